"""One row of a query, and none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.quoting import identifier


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row, or None; the result is read to its end, since an unread one keeps the connection busy."""
    rows: list[tuple[Any, ...]] = con.execute(query, list(parameters)).fetchall()
    return rows[0] if rows else None


def create_empty(con: duckdb.DuckDBPyConnection, table: str, query: str, *, temporary: bool = False) -> None:
    """Make a table with the columns of a query and no rows; a temporary one replaces what has its name.

    table: quoted. Not by CREATE TABLE AS: in DuckDB 2.0, when a transaction first adds no rows to a table, so or by
    INSERT, and then more than a row group (122,880) at once, scans see none of these before the next checkpoint.
    """
    described = con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {query})").fetchall()
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in described)
    con.execute(f"CREATE {'OR REPLACE TEMP ' if temporary else ''}TABLE {table} ({columns})")
