"""The columns of the score tables, as a DuckDB file has them."""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from sqlscore.database.derived_columns import DERIVED
from sqlscore.spark.memory import MEMORY_ARROW
from sqlscore.spark.partition import N_EVENTS, SCORE, SESSIONS, STATE, USER
from sqlscore.spark.types import in_utc
from sqlscore.verbs.connect import connect
from sqlscore.verbs.mapping import map_events

_SHAPE = """CREATE TABLE shape AS SELECT 'u' AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"""


@cache
def table_schema(name: str) -> pa.Schema:
    """The columns of `scored_users` or `scored_sessions` without the user, in their order."""
    with connect(":memory:") as con:
        con.execute(_SHAPE)
        map_events(con, "shape")
        schema = con.sql(f"SELECT * FROM sqlscore.live_{name} LIMIT 0").to_arrow_table().schema
    fields = [field for field in schema if field.name != USER]
    before = sum(field.name not in DERIVED for field in fields)
    fields.insert(before, pa.field("scored_at", pa.timestamp("us")))
    return pa.schema(fields)


def staged_schema(user: pa.DataType) -> pa.Schema:
    """What a run writes first, a row for each user: the rows of all tables.

    Args:
        user: the type of `user_id`.
    """
    sessions = pa.list_(pa.struct(list(table_schema("scored_sessions"))))
    kinds = [user, pa.struct(list(table_schema("scored_users"))), sessions, MEMORY_ARROW, pa.int64()]
    return pa.schema(list(zip([USER, SCORE, SESSIONS, STATE, N_EVENTS], map(in_utc, kinds), strict=True)))
