"""Lists that are written out in the query, as conditions on their elements: no engine then needs a list for them."""

from __future__ import annotations

import duckdb
from sqlglot import exp


def without_written_lists(con: duckdb.DuckDBPyConnection, query: exp.Expr) -> exp.Expr:
    """The query in which `list_contains`, `list_position`, `len` and `[...]` of lists of literals are written out.

    Args:
        con: A connection to any database, which computes constant positions.
        query: The query; it is changed.
    """
    root = exp.Subquery(this=query)
    for node in reversed(list(root.walk(bfs=True))):
        new = _of_elements(con, node)
        if new is not None:
            node.replace(new)
    inner: exp.Expr = root.this
    inner.pop()
    return inner


def _of_elements(con: duckdb.DuckDBPyConnection, node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.ArrayContains):
        elements = _elements(node.this)
        return exp.In(this=node.expression, expressions=elements) if elements else None
    if isinstance(node, exp.ArraySize):
        elements = _elements(node.this)
        return exp.cast(exp.Literal.number(len(elements)), "BIGINT") if elements else None
    if isinstance(node, exp.Anonymous) and node.name.casefold() in ("list_position", "array_position"):
        elements = _elements(node.expressions[0])
        return _by_value(node.expressions[1], elements) if elements and len(node.expressions) == 2 else None
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        elements = _elements(node.this)
        return _element(con, elements, node.expressions[0]) if elements else None
    return None


def _elements(node: exp.Expr) -> list[exp.Expr]:
    """The elements of a list of texts or whole numbers, none of them NULL; none if it is anything else."""
    elements = list(node.expressions) if isinstance(node, exp.Array) else []
    return elements if all(isinstance(one, exp.Literal) and (one.is_string or one.is_int) for one in elements) else []


def _by_value(value: exp.Expr, elements: list[exp.Expr]) -> exp.Expr:
    case = exp.Case()
    for position, element in enumerate(elements, start=1):
        case = case.when(exp.EQ(this=value.copy(), expression=element.copy()), exp.Literal.number(position))
    return exp.cast(case, "INTEGER")


def _element(con: duckdb.DuckDBPyConnection, elements: list[exp.Expr], index: exp.Expr) -> exp.Expr | None:
    if isinstance(index, exp.Slice):
        return None
    if isinstance(index, exp.Literal) and index.is_int:  # sqlglot counts literals from 0
        return _at(elements, int(index.name) + 1)
    if isinstance(index, exp.Neg) and isinstance(index.this, exp.Literal) and index.this.is_int:
        return _at(elements, 1 - int(index.this.name))
    if index.find(exp.Column) is None:
        try:
            (position,) = con.execute(f"SELECT CAST({index.sql('duckdb')} AS BIGINT)").fetchall()[0]
        except duckdb.Error:
            return None
        return _at(elements, position or 0)
    case = exp.Case()
    for position in (*range(1, len(elements) + 1), *range(-len(elements), 0)):
        number = exp.convert(position)
        case = case.when(exp.EQ(this=index.copy(), expression=number), _at(elements, position))
    return case


def _at(elements: list[exp.Expr], position: int) -> exp.Expr:
    """The element at a position, counted from 1, or from the end; NULL out of range."""
    if 1 <= position <= len(elements) or -len(elements) <= position <= -1:
        return elements[position - 1 if position > 0 else position].copy()
    return exp.null()
