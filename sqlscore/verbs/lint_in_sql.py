"""`sqlscore.lint('view')` in SQL: the verb behind a function of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from sqlscore.errors import InstallError
from sqlscore.scoring.catalog import Catalog
from sqlscore.udfs.functions import PREFIX

NAME = PREFIX + "lint"
RETURNS = (
    "STRUCT(rule VARCHAR, severity VARCHAR, place VARCHAR, line INTEGER, column_name VARCHAR, message VARCHAR, "
    "construct VARCHAR)[]"
)
_FINDING = pa.struct(
    [("rule", pa.string()), ("severity", pa.string()), ("place", pa.string()), ("line", pa.int32()),
     ("column_name", pa.string()), ("message", pa.string()), ("construct", pa.string())]
)  # fmt: skip


def linting(known: Catalog) -> Callable[..., pa.Array]:
    """The function that is registered: texts in, lists of findings out; NULL of NULL.

    It works on a cursor of an open connection of the database, so it sees what is committed. Files are not read: who
    may send SQL may not read the disk for that.

    Args:
        known: Holds the connections of the database.
    """

    def call(texts: Any) -> pa.Array:
        with _cursor(known) as con:
            found = {text: _findings(con, text) for text in set(texts.to_pylist()) if text is not None}
        return pa.array([found.get(text) for text in texts.to_pylist()], pa.list_(_FINDING))

    return call


def _cursor(known: Catalog) -> duckdb.DuckDBPyConnection:
    for con in list(known.connections):
        try:
            cursor: duckdb.DuckDBPyConnection = con.cursor()
        except duckdb.ConnectionException:
            continue  # closed
        return cursor
    raise InstallError("lint works while a connection that sqlscore.connect() made is open: keep it, or open one")


def _findings(con: duckdb.DuckDBPyConnection, text: str) -> list[dict[str, object]]:
    from sqlscore.verbs.lint import lint_sql

    return [
        {
            "rule": one.rule, "severity": one.severity, "place": one.place, "line": one.line,
            "column_name": one.column or None, "message": one.message, "construct": one.sql,
        }
        for one in lint_sql(con, text).findings
    ]  # fmt: skip
