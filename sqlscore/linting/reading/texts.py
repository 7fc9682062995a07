"""SQL texts as queries that are read."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.refusal import Refused, refusal
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.statements import is_passed_over, query_of, statements

_MADE = "sqlscore_output"


def parsed(text: str, name: str) -> tuple[list[tuple[exp.Expr, str]], list[str]]:
    """The queries in a text, each with the name of what it makes; and what in it is passed over.

    Args:
        text: One statement or several.
        name: What to call the text in messages.

    Raises LintError if the text cannot be read.
    """
    found: list[tuple[exp.Expr, str]] = []
    passed: list[str] = []
    for statement in statements(text, name):
        query, made = query_of(statement, name)
        if query is not None:
            found.append((query, made))
        elif is_passed_over(statement):
            place = refusal(statement, Refused("", ""))
            passed.append(
                f"{place.place}: {place.sql} is not looked at: only SELECT, CREATE ... AS, INSERT, UPDATE and COPY are"
            )
    return found, passed


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
