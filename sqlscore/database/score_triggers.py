"""Triggers that score the users of inserted events, inside the transaction that inserts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sqlscore.database.events_query import NOW
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.scoring.sql_types import SCORE_ARROW

_NEW = "sqlscore_new_rows"


def score_prefix(mapping: Mapping) -> str:
    """How the names of these triggers of a mapping begin."""
    return f"sqlscore_{mapping.name}: score "


def create_score_trigger(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, relation: str, users: tuple[str, ...], watch: str
) -> None:
    """Make the trigger of one table, inside the caller's transaction.

    Args:
        con: A connection with sqlscore's functions.
        mapping: The mapped events, with a table `scored_users`.
        relation: The quoted table.
        users: Its columns of users.
        watch: What ends the name of the trigger.
    """
    touched = " UNION ".join(f"SELECT {identifier(user)} FROM {_NEW}" for user in users)
    fields = [field.name for field in SCORE_ARROW]
    score = identifier(f"{mapping.prefix}list_score_events")
    scored = (
        f"SELECT ev.user_id, main.{score}(list(ev)) AS score FROM {qualified(mapping.schema, 'events')} AS ev "
        f"WHERE ev.user_id IN ({touched}) GROUP BY ev.user_id"
    )
    values = ", ".join(
        [
            *(f"u.score.{name} AS {name}" for name in fields),
            "(epoch_us(u.score.as_of) - epoch_us(u.score.last_event_time)) / 864e8 AS days_silent",
            f"{NOW} AS scored_at",
        ]
    )
    names = [*fields, "days_silent", "scored_at"]
    con.execute(
        f"""CREATE TRIGGER {identifier(score_prefix(mapping) + watch)} AFTER INSERT ON {relation}
            REFERENCING NEW TABLE AS {_NEW} FOR EACH STATEMENT
            MERGE INTO {qualified(mapping.schema, "scored_users")} AS stored
            USING (SELECT u.user_id, {values} FROM ({scored}) AS u) AS fresh ON stored.user_id = fresh.user_id
            WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = fresh.{name}" for name in names)}
            WHEN NOT MATCHED THEN INSERT (user_id, {", ".join(names)})
                VALUES (fresh.user_id, {", ".join(f"fresh.{name}" for name in names)})"""
    )


def score_triggers(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[tuple[str, str, str]]:
    """(quoted table, name, text) of these triggers of a mapping."""
    rows = con.execute(
        """SELECT schema_name, table_name, trigger_name, sql FROM duckdb_triggers()
           WHERE database_name = current_database() AND starts_with(trigger_name, ?)""",
        [score_prefix(mapping)],
    ).fetchall()
    return [(qualified(schema, name), *rest) for schema, name, *rest in rows]


@contextmanager
def without_score_triggers(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Iterator[None]:
    """Drop these triggers and make them again at the end, inside the caller's transaction.

    What a trigger reads and writes, no statement can replace as long as there is the trigger.
    """
    found = score_triggers(con, mapping)
    for relation, name, _ in found:
        con.execute(f"DROP TRIGGER {identifier(name)} ON {relation}")
    yield
    rows = f" REFERENCING NEW TABLE AS {_NEW}"
    for relation, name, text in found:  # the engine's text names the table without its schema
        con.execute(f"CREATE TRIGGER {identifier(name)} AFTER INSERT ON {relation}{rows}{text.partition(rows)[2]}")
