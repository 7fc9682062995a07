"""Columns of `scored_users` that follow from its others: days, and whether the user is active."""

from __future__ import annotations

import math
import re

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.sql.objects import objects

DERIVED = ("days_silent", "is_active", "days_to_next_action")
"""The columns, in their order, after all others. The views compute the same: see `sql/scores/live_scored_users.sql`."""

DAYS_SILENT = "(epoch_us(as_of) - epoch_us(last_event_time)) / 864e8"
"""SQL for the one that is stored."""

ACTIVE_WITHIN = """CASE WHEN list_contains(CAST(m.manifest -> 'heads' AS VARCHAR[]), 'churn')
    THEN coalesce(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE), CAST('infinity' AS DOUBLE)) END"""
"""SQL over a row m of `sqlscore.models`: seconds since the last event in which its users are active."""

_TABLE = "scored_users"


def definitions(active_within: float | None) -> str:
    """The columns as CREATE TABLE takes them.

    Two are computed when they are read, so that a refresh that moves `as_of` need not write them. These use operators
    alone: a log that a killed process left is replayed before the engine has its functions.

    Args:
        active_within: Seconds since the last event in which a user is active; infinity if everyone ever seen is, None
            if the model does not predict churn, so that nobody can say.
    """
    if active_within is None:
        active = "CAST(NULL AS BOOLEAN)"
    elif math.isinf(active_within):
        active = "last_event_time <= as_of"
    else:
        span = literal(f"{round(active_within * US_PER_SECOND)} microseconds")
        active = f"last_event_time > as_of - CAST({span} AS INTERVAL)"
    return (
        "days_silent DOUBLE, "
        f"is_active BOOLEAN GENERATED ALWAYS AS ({active}) VIRTUAL, "
        "days_to_next_action DOUBLE GENERATED ALWAYS AS (seconds_to_next_action / 86400) VIRTUAL"
    )


def create_like(con: duckdb.DuckDBPyConnection, table: str, shape: str, active_within: float | None) -> None:
    """Create an empty table with the columns of a query, and the derived ones after them."""
    relation = con.sql(f"{shape} LIMIT 0")
    stored = (f"{identifier(n)} {kind}" for n, kind in zip(relation.columns, relation.types, strict=True))
    con.execute(f"CREATE TABLE {table} ({', '.join(stored)}, {definitions(active_within)})")


def upgrade(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Give a `scored_users` that an older sqlscore wrote the derived columns, inside the caller's transaction."""
    table, staging = qualified(mapping.schema, _TABLE), qualified(mapping.schema, f"next_{_TABLE}")
    if set(DERIVED) <= set(con.sql(f"FROM {table} LIMIT 0").columns):
        return
    query = f"""SELECT {ACTIVE_WITHIN} FROM sqlscore.models m
                WHERE concat(m.name, '@', m.version) = (SELECT any_value(model) FROM {table})"""
    known = one(con, query)
    create_like(con, staging, f"FROM {table}", known[0] if known else None)
    con.execute(f"INSERT INTO {staging} BY NAME SELECT *, {DAYS_SILENT} AS days_silent FROM {table}")
    con.execute(f"DROP TABLE {table}")
    con.execute(f"ALTER TABLE {staging} RENAME TO {identifier(_TABLE)}")
    text = next(item for item in objects() if item.name == _TABLE).for_schema(mapping.schema, mapping.prefix)
    for comment in re.findall(r"^COMMENT ON .*;$", text, re.MULTILINE):
        con.execute(comment.replace("COMMENT ON VIEW", "COMMENT ON TABLE", 1))
