"""SQL texts as queries that are read."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlscore.dialects.refusal import note_places
from sqlscore.errors import LintError
from sqlscore.linting.reading.scope import Reader, Scope

_MADE = "sqlscore_output"


def parsed(text: str, name: str) -> list[tuple[exp.Expr, str]]:
    """The queries in a text, each with the name of what it makes.

    Args:
        text: One statement or several.
        name: What to call the text in messages.

    Raises LintError if the text cannot be read.
    """
    try:
        statements = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        raise LintError(f"{name} cannot be read as DuckDB's SQL: {error}") from error
    found: list[tuple[exp.Expr, str]] = []
    for statement in statements:
        if statement is None:
            continue
        note_places(statement, name)
        query, made = _query_of(statement)
        if query is not None:
            found.append((query, made))
    return found


def _query_of(statement: exp.Expr) -> tuple[exp.Expr | None, str]:
    if isinstance(statement, exp.Query):
        return statement, ""
    if isinstance(statement, (exp.Pivot, exp.Values)):
        return statement, ""
    if isinstance(statement, exp.Create) and isinstance(statement.expression, exp.Query):
        return statement.expression, _named(statement.this)
    if isinstance(statement, (exp.Insert, exp.Copy)):
        query = statement.expression if isinstance(statement, exp.Insert) else statement.this
        query = query.this if isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query) else query
        if isinstance(query, exp.Query):
            return query, _named(statement.this) if isinstance(statement, exp.Insert) else ""
    return None, ""


def _named(node: exp.Expr) -> str:
    table = node.find(exp.Table) if not isinstance(node, exp.Table) else node
    return table.name if table is not None else ""


def read_texts(reader: Reader, queries: list[tuple[exp.Expr, str]]) -> None:
    """Read queries one after the other; a table that one makes is known to those after it.

    Args:
        reader: Notes what it sees.
        queries: From `parsed`.
    """
    for query, made in queries:
        inner = query
        while isinstance(inner, exp.Subquery):
            inner = inner.this
        for part in _selects(inner):
            part.meta[_MADE] = made or "the query"
        relation = reader.query(Scope(ctes=dict(reader.temporary)), query)
        if made:
            reader.temporary[made.casefold()] = relation


def _selects(node: exp.Expr) -> list[exp.Expr]:
    """The SELECTs whose rows a query gives."""
    while isinstance(node, exp.Subquery):
        node = node.this
    if isinstance(node, exp.SetOperation):
        return [*_selects(node.left), *_selects(node.right)]
    return [node]
