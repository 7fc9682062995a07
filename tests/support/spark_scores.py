"""Whether what a run on Spark wrote is what a full refresh writes into a DuckDB file."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

KEYS = {"scored_users": "user_id", "scored_sessions": "user_id, session_id"}
CLOSE = 1e-6
_SECONDS = 1e-5  # relative: of the exponential of a float32


def assert_same_scores(con: duckdb.DuckDBPyConnection, out: Path, before: Path | None = None) -> None:
    """The same columns in the same order, the same users, times and actions, and numbers equal to CLOSE.

    Args:
        con: The file that was refreshed in full.
        out: What Spark wrote.
        before: What an earlier run wrote, whose sessions stand where `out` does not have them.
    """
    for table, keys in KEYS.items():
        found = f"SELECT *, 1 AS run FROM '{out}/{table}/*.parquet'"
        if before is not None and table == "scored_sessions":
            found += f" UNION ALL BY NAME SELECT *, 0 AS run FROM '{before}/{table}/*.parquet'"
        found = f"FROM ({found}) QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY run DESC) = 1"
        ours = con.sql(f"SELECT * FROM sqlscore.{table} ORDER BY {keys}").to_arrow_table()
        theirs = con.sql(f"SELECT * EXCLUDE run FROM ({found}) ORDER BY {keys}").to_arrow_table()
        assert theirs.column_names == ours.column_names
        assert len(theirs) == len(ours) > 0
        differing = [
            name
            for name in ours.column_names
            if name != "scored_at"
            and not _same(ours[name], theirs[name], _SECONDS if "to_next_action" in name else CLOSE)
        ]
        assert not differing, table


def _same(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, close: float = CLOSE) -> bool:
    one, other = ours.combine_chunks(), theirs.combine_chunks()
    if pa.types.is_list(one.type):
        flat, flat_too = one.flatten(), other.flatten()
        return one.value_lengths().equals(other.value_lengths()) and all(
            _same(pa.chunked_array([flat.field(part)]), pa.chunked_array([flat_too.field(part)]))
            for part in range(flat.type.num_fields)
        )
    if pa.types.is_floating(one.type):
        if not one.is_null().equals(other.is_null()):
            return False
        numbers, numbers_too = one.fill_null(0).to_numpy(), other.fill_null(0).to_numpy()
        return bool(np.allclose(numbers, numbers_too, rtol=close, atol=CLOSE))
    if pa.types.is_timestamp(one.type):
        return bool(one.cast(pa.int64()).equals(other.cast(pa.int64())))
    return bool(one.equals(other.cast(one.type)))


def same(one: Any, other: Any) -> bool:
    """Equal, or numbers that differ by rounding; Spark's times have a zone, UTC."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6)
    if isinstance(one, dt.datetime) and isinstance(other, dt.datetime):
        return one == other.astimezone(dt.UTC).replace(tzinfo=None)
    return bool(one == other)
