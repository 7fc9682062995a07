"""One row of a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row, or None; the result is read to its end, since an unread one keeps the connection busy."""
    rows: list[tuple[Any, ...]] = con.execute(query, list(parameters)).fetchall()
    return rows[0] if rows else None
