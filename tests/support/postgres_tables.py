"""Tables of DuckDB copied into a schema of a real PostgreSQL, row by row as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import psycopg
from psycopg.rows import tuple_row

_TYPES = {
    "VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real", "BIGINT": "bigint", "INTEGER": "integer",
    "TIMESTAMP": "timestamp", "DATE": "date", "BOOLEAN": "boolean", "VARCHAR[]": "text[]", "HUGEINT": "numeric",
}  # fmt: skip


def copy_tables(con: duckdb.DuckDBPyConnection, server: psycopg.Connection[Any], tables: Mapping[str, str]) -> None:
    """Make tables with the rows of queries, without the columns of types that PostgreSQL has not, such as structs.

    Args:
        con: Where the queries run.
        server: Where the tables are made, in the first schema of its search path.
        tables: Queries by the names of the tables.
    """
    for name, query in tables.items():
        described = [(row[0], row[1]) for row in con.execute(f"DESCRIBE {query}").fetchall() if row[1] in _TYPES]
        columns = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in described)
        server.execute(f'DROP TABLE IF EXISTS "{name}"')
        server.execute(f'CREATE TABLE "{name}" ({columns})')
        selected = ", ".join(f'"{column}"' for column, _ in described)
        with server.cursor().copy(f'COPY "{name}" FROM STDIN') as copy:
            for row in con.execute(f"SELECT {selected} FROM ({query})").fetchall():
                copy.write_row(row)


def rows_of(server: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    """The rows of a query on PostgreSQL."""
    with server.cursor(row_factory=tuple_row, binary=True) as cursor:  # as texts, floats are rounded
        return cursor.execute(query.encode()).fetchall()
