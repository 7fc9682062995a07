"""Temporary tables behind advice: the signals of users at risk, and which rows of the playbook apply to whom."""

from __future__ import annotations

import duckdb

from sqlscore.decisions.playbook import Play, broken, read_playbook
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import literal, qualified

FOUND = "temp.main.sqlscore_user_signals"
"""Signals of the users at risk, as in `user_signals`, with their number `sqlscore_nr`."""

MATCHED = "temp.main.sqlscore_matched"
"""A row for each of these users: their number `nr`, and lists with a value for each row of the playbook."""

_ORDERED = "temp.main.sqlscore_ordered"


def find_signals(con: duckdb.DuckDBPyConnection, mapping: Mapping, risk_from: float) -> None:
    """Put the signals of the users at risk into a temporary table of this connection, numbered by falling risk."""
    schema = mapping.schema
    spans = qualified(schema, "score_spans")
    con.execute(f"CREATE OR REPLACE TEMP TABLE sqlscore_ordered AS FROM {qualified(schema, 'ordered_events')}")
    try:
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE sqlscore_user_signals AS
                SELECT *, row_number() OVER (ORDER BY churn_risk DESC, user_id) - 1 AS sqlscore_nr
                FROM {qualified(schema, "user_signals_with")}(
                    risk_from := {risk_from!r}, horizon := (SELECT s.horizon FROM {spans} s),
                    lookback := (SELECT s.lookback FROM {spans} s), ordered := {literal(_ORDERED)}
                )"""
        )
    finally:
        con.execute(f"DROP TABLE {_ORDERED}")


def match_plays(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[Play]:
    """The rows of the playbook that are on; which users they apply to is put into a second temporary table.

    Raises DecisionError for a row that cannot be used.
    """
    plays = read_playbook(con, mapping.schema, FOUND)
    _match(con, mapping.schema, plays)
    failing = broken(con, mapping.schema, plays, FOUND)
    if failing is not None:
        raise failing
    return plays


def let_go(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    con.execute(f"DROP TABLE IF EXISTS {FOUND}; DROP TABLE IF EXISTS {MATCHED}")


def _match(con: duckdb.DuckDBPyConnection, schema: str, plays: list[Play]) -> None:
    """A table with a row a user: which plays apply, which of them have cooled down, and who was contacted today."""
    conditions = ", ".join(f"coalesce(CAST({play.condition} AS BOOLEAN), false)" for play in plays)
    cooled = ", ".join(
        f"coalesce(s.as_of >= i.last + to_seconds({play.cool_down_days * 86_400!r}), true)" for play in plays
    )
    lists = f"CAST([{conditions}] AS BOOLEAN[])"  # bare columns: those of the one table that is read there
    try:
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE sqlscore_matched AS
                WITH last AS (
                    SELECT user_id, max(assigned_at) AS last, max(assigned_at) FILTER (variant = 'treated') AS treated
                    FROM {qualified(schema, "interventions")} GROUP BY user_id
                ), applies AS (SELECT *, {lists} AS applies FROM {FOUND})
                SELECT s.sqlscore_nr AS nr, s.churn_risk, s.applies, CAST([{cooled}] AS BOOLEAN[]) AS cooled,
                    (SELECT count(*) FROM last l WHERE l.treated > (SELECT max(as_of) FROM {FOUND}) - INTERVAL 1 DAY
                     AND l.treated <= (SELECT max(as_of) FROM {FOUND})) AS treated_today
                FROM applies s LEFT JOIN last i ON i.user_id = s.user_id"""
        )
    except duckdb.Error as error:
        raise broken(con, schema, plays, FOUND) or error from error
