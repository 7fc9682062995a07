"""The table `interventions`: who was assigned to what, by a seeded hash, with a share held out."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.swap import make_view, swap_in
from sqlscore.database.transactions import now
from sqlscore.errors import DecisionError
from sqlscore.events.mapping import Mapping
from sqlscore.excerpts import engine_message
from sqlscore.quoting import literal, qualified

TABLE = "interventions"


@dataclass(frozen=True)
class Assigned:
    """How many users were assigned now, by intervention: treated, held out, and those who were assigned before."""

    which: str
    treated: int
    held_out: int
    known_before: int


def assign_chosen(con: duckdb.DuckDBPyConnection, mapping: Mapping, seed: int) -> list[Assigned]:
    """Assign the chosen users of the newest advice, in the caller's transaction."""
    schema = mapping.schema
    chosen = f"""SELECT r.user_id, r.playbook AS which, p.held_out, r.churn_risk AS risk_before, r.driver, r.model,
                     r.as_of AS assigned_at
                 FROM {qualified(schema, "recommendations")} r
                 JOIN {qualified(schema, "playbook")} p ON p.name = r.playbook WHERE r.is_chosen"""
    return _insert(con, mapping, chosen, seed)


def assign_users(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, which: str, users: str, held_out: float, seed: int
) -> list[Assigned]:
    """Assign users of a campaign of one's own, in the caller's transaction.

    Args:
        con: a connection in a transaction.
        mapping: whose users.
        which: the name of the campaign.
        users: SQL for a relation with the column `user_id`; users who are not scored are left out.
        held_out: the share that is held out.
        seed: of the assignment.

    Raises DecisionError if the relation cannot be read or lacks the column.
    """
    try:
        con.sql(f"SELECT user_id FROM {users}")
    except duckdb.Error as error:
        raise DecisionError(
            f"the users cannot be read as a relation with a column user_id: {engine_message(error)}; name a table or "
            "view, or write a query in brackets: (SELECT user_id FROM ...)"
        ) from error
    scored, advice = (qualified(mapping.schema, name) for name in ("scored_users", "recommendations"))
    chosen = f"""SELECT s.user_id, {literal(which)} AS which, CAST({held_out!r} AS DOUBLE) AS held_out,
                     s.churn_risk AS risk_before, g.driver, s.model, s.as_of AS assigned_at
                 FROM {scored} s
                 LEFT JOIN {advice} g ON g.user_id = s.user_id AND g.as_of = s.as_of
                 WHERE s.user_id IN (SELECT user_id FROM {users})"""
    return _insert(con, mapping, chosen, seed)


def _insert(con: duckdb.DuckDBPyConnection, mapping: Mapping, chosen: str, seed: int) -> list[Assigned]:
    """Add the users that were not assigned to the same thing within its horizon before; the others keep what they have.

    A user whose outcome is not known yet would otherwise count twice, and could change sides.
    """
    schema, table = mapping.schema, qualified(mapping.schema, TABLE)
    if not is_table(con, schema, TABLE):
        make_view(con, mapping, TABLE)  # somebody may have dropped it
        con.execute(f"CREATE TABLE {qualified(schema, f'next_{TABLE}')} AS FROM {table} WITH NO DATA")
        swap_in(con, mapping, TABLE)
    horizon = one(con, f"SELECT epoch(horizon) FROM {qualified(schema, 'score_spans')}")
    seconds = float(horizon[0]) if horizon else 0.0
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE sqlscore_chosen AS
            SELECT c.*, {qualified(schema, "assign")}(c.user_id, c.which, c.held_out, {seed}) AS variant, EXISTS (
                SELECT 1 FROM {table} i WHERE i.user_id = c.user_id AND i.which = c.which
                AND i.assigned_at + to_microseconds(CAST(i.horizon_seconds * 1e6 AS BIGINT)) > c.assigned_at
            ) AS known_before
            FROM ({chosen}) c"""
    )
    con.execute(
        f"""INSERT INTO {table} BY NAME
            SELECT user_id, which, variant, assigned_at, 1 - held_out AS probability, {seed} AS seed,
                risk_before, driver, {seconds!r} AS horizon_seconds, model, CAST(? AS TIMESTAMP) AS noted_at
            FROM sqlscore_chosen WHERE NOT known_before ORDER BY which, user_id""",
        [now()],
    )
    rows = con.execute(
        """SELECT which,
                count(*) FILTER (NOT known_before AND variant = 'treated'),
                count(*) FILTER (NOT known_before AND variant = 'held out'),
                count(*) FILTER (known_before)
            FROM sqlscore_chosen GROUP BY which ORDER BY which"""
    ).fetchall()
    con.execute("DROP TABLE temp.main.sqlscore_chosen")
    return [Assigned(*row) for row in rows]
