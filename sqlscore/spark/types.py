"""Arrow types as Spark has them: every time is an instant, a TIMESTAMP, in UTC."""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

_UTC = ("UTC", "Etc/UTC", "Z", "+00:00", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal")
"""How a session may name the zone."""


def is_utc(zone: str) -> bool:
    """Whether a session's time zone is UTC."""
    return zone in _UTC


@cache
def arrow_of(sql: str) -> pa.DataType:
    """The Arrow type of a DuckDB type by its name."""
    with duckdb.connect() as con:
        return con.sql(f"SELECT CAST(NULL AS {sql}) AS value").to_arrow_table().schema.field(0).type


def in_utc(kind: pa.DataType) -> pa.DataType:
    """The type with UTC as the zone of every time in it."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(in_utc(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(in_utc(kind.value_type)))
    return kind


def spark_of(kind: pa.DataType) -> Any:
    """Spark's type for an Arrow type."""
    from pyspark.sql.pandas.types import from_arrow_type

    return from_arrow_type(in_utc(kind))
