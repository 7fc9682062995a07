"""The verb `transpile`: labels and features that are defined once, as SQL of another engine."""

from __future__ import annotations

import re

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.errors import TranspileError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.excerpts import excerpt
from sqlscore.mapping.roles import check_readable

_QUERY = re.compile(r"(?is)(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:select|with|from|values|\()")
"""How a query begins, behind comments; anything else is a name."""


def transpile(con: duckdb.DuckDBPyConnection, query: str, *, dialect: str = "spark") -> str:
    """The SQL of another engine that gives the same rows as a query here, or an error that says what has no equal.

    Views and macros of sqlscore and of the file are put in place, so that the result reads tables alone: `events`, with
    the columns of `sqlscore.events`, `scored_users` and the like under their bare names, and the user's own. What
    DuckDB's SQL means is kept, not how it is written: the order of lists, NULLs in lists, rounding, division by 0,
    boundaries of weeks and months. The functions of sqlscore are not carried over.

    Args:
        con: A connection that `connect` made.
        query: A SELECT, or the name of a view, or a call of a macro that gives a table.
        dialect: "spark": Apache Spark 4.3, ANSI mode; the result raises in a session that is not in UTC. "postgres":
            PostgreSQL 14 and later; "bigquery"; "snowflake": for sessions, labels and features.

    Raises TranspileError, which names for each construct that cannot be carried over the view or the text, the line,
    and what to write instead; MappingError if the mapped events cannot be read.

    Examples:
        >>> print(sqlscore.transpile(con, "sqlscore.sessions"))
    """
    from sqlscore.dialects.query import transpiled  # sqlglot, a fifth of a second

    text = query.strip().rstrip(";")
    is_query = _QUERY.match(text) is not None
    name = "the query" if is_query else excerpt(text)
    mapping = catalog(con).snapshot.mappings.get(DEFAULT_MAPPING)
    try:
        return transpiled(con, text if is_query else f"SELECT * FROM {text}", name, dialect, mapping)
    except TranspileError as error:
        if mapping is not None and isinstance(error.__cause__, (duckdb.BinderException, duckdb.CatalogException)):
            check_readable(con, mapping)  # says in terms of the user's columns what is wrong with them
        raise
