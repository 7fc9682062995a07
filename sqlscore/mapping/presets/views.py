"""The view that a preset puts into the file: the user may edit it, and what he edited is never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import transaction
from sqlscore.errors import MappingError
from sqlscore.quoting import identifier, literal, qualified

_KEY = "view of an export "
"""In `sqlscore.meta`, followed by the view's name: the hash of its SQL as the preset made it."""


def statement(name: str, query: str) -> str:
    """The SQL that makes the view."""
    return f"CREATE OR REPLACE VIEW {qualified('main', name)} AS\n{query};"


@contextmanager
def view_made(con: duckdb.DuckDBPyConnection, name: str, query: str, about: str) -> Iterator[None]:
    """Make the view; if the block fails, what was there before is there again.

    Args:
        con: A connection to the database, in no transaction.
        name: Of the view, in schema main.
        query: Its SELECT.
        about: A comment on it.

    Raises MappingError if something of the name is there that a preset did not make, or that was edited since.
    """
    before = _refuse_other(con, name)
    _make(con, name, statement(name, query), about)
    try:
        yield
    except BaseException:
        with transaction(con):
            con.execute(f"DROP VIEW {qualified('main', name)}")
            con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY + name])
        if before is not None:
            _make(con, name, before, about)
        raise


def _make(con: duckdb.DuckDBPyConnection, name: str, sql: str, about: str) -> None:
    with transaction(con):
        con.execute(sql)
        con.execute(f"COMMENT ON VIEW {qualified('main', name)} IS {literal(about)}")
        con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY + name])
        con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [_KEY + name, _hash(_sql_of(con, name))])


def _refuse_other(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The SQL of the view that a preset made under this name; None if there is none."""
    there = one(
        con,
        """SELECT table_type FROM information_schema.tables
           WHERE table_catalog = current_database() AND table_schema = 'main' AND lower(table_name) = lower(?)""",
        [name],
    )
    if there is None:
        return None
    noted = one(con, "SELECT value FROM sqlscore.meta WHERE key = ?", [_KEY + name])
    sql = _sql_of(con, name) if there[0] == "VIEW" else None
    if noted is not None and noted[0] == _hash(sql):
        return sql
    edited = "a view that was edited since it was made" if noted is not None else "something that --from did not make"
    raise MappingError(
        f'"{name}" is {edited}, and would be lost: map it as it is (--events {name}, with the columns that --show-sql '
        f"names), or DROP VIEW {identifier(name)} first, or map beside it under another name, name=... (--mapping)"
    )


def _sql_of(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    row = one(
        con,
        """SELECT sql FROM duckdb_views()
           WHERE database_name = current_database() AND schema_name = 'main' AND lower(view_name) = lower(?)""",
        [name],
    )
    return str(row[0]) if row else None


def _hash(sql: str | None) -> str:
    return hashlib.sha256((sql or "").encode()).hexdigest()
