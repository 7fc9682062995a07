"""New SQL of a target around pieces of the old: a template with :names for the pieces."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp

_MADE = "sqlscore_made"


def made(node: exp.Expr) -> bool:
    """Whether a rule wrote the node, so that no rule looks at it again."""
    return bool(node.meta.get(_MADE))


def target(dialect: str, template: str, **pieces: exp.Expr | str | int) -> exp.Expr:
    """An expression of the target's SQL.

    Args:
        dialect: sqlglot's name of the target.
        template: SQL of the target; `:name` stands for a piece.
        pieces: expressions that are still DuckDB's, and are converted later; text and whole numbers become literals.

    Examples:
        >>> target("spark", "UNIX_MICROS(:time)", time=node)
    """
    tree = _parsed(dialect, template).copy()
    for node in list(tree.walk()):
        node.meta[_MADE] = True
    for placeholder in list(tree.find_all(exp.Placeholder)):
        piece = pieces[placeholder.name]
        piece = piece.copy() if isinstance(piece, exp.Expr) else _literal(piece)
        if placeholder is tree:
            return piece
        placeholder.replace(_apart(piece) if isinstance(placeholder.parent, _OPERATORS) else piece)
    return tree


_OPERATORS = (exp.Binary, exp.Neg, exp.Not, exp.In, exp.Between, exp.Bracket, exp.Interval)
"""Where a piece would be torn apart: sqlglot also makes operators of functions, such as `%` of MOD."""


def _apart(piece: exp.Expr) -> exp.Expr:
    """An operation in parentheses; anything else as it is."""
    return exp.paren(piece, copy=False) if isinstance(piece, (exp.Binary, exp.Not, exp.In, exp.Between)) else piece


def _literal(value: str | int) -> exp.Expr:
    literal = exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(value)
    literal.meta[_MADE] = True
    return literal


@cache
def _parsed(dialect: str, template: str) -> exp.Expr:
    return sqlglot.parse_one(template, read=dialect)
