"""One row of a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.quoting import identifier


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row, or None; the result is read to its end, since an unread one keeps the connection busy."""
    rows: list[tuple[Any, ...]] = con.execute(query, list(parameters)).fetchall()
    return rows[0] if rows else None


def no_rows_of(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """A query with the columns and types of `query` that has no rows and reads no table."""
    relation = con.sql(query)
    columns = (
        f"CAST(NULL AS {kind}) AS {identifier(name)}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    return f"SELECT {', '.join(columns)} WHERE false"
