"""Kinds of DuckDB's types, and what the form of an expression tells of its value."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlscore.dialects.resolution import type_of

WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT"})
REAL = frozenset({"FLOAT", "DOUBLE"})
MOMENTS = frozenset({"TIMESTAMP", "DATE"})
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 20}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def is_decimal(kind: str | None) -> bool:
    """Whether a type, or None for one that is not known, is a DECIMAL."""
    return kind is not None and kind.startswith("DECIMAL")


def is_list(node: exp.Expr) -> bool:
    """Whether an expression is known to be a list."""
    return (type_of(node) or "").endswith("]")


def digits(kind: str | None) -> tuple[int, int] | None:
    """The most digits of an exact number, and those after the point; None for other types."""
    found = _DECIMAL.fullmatch((kind or "").replace(" ", ""))
    if found is not None:
        return int(found[1]), int(found[2])
    return (_DIGITS[kind], 0) if kind in _DIGITS else None


def exact_digits(node: exp.Expr) -> tuple[int, int] | None:
    """The most digits of a sum, difference or product of exact numbers, and those after the point; None: not known."""
    sides = [digits(type_of(side)) for side in (node.this, node.expression)]
    if sides[0] is None or sides[1] is None:
        return None
    (p, s), (q, t) = sides[0], sides[1]
    if isinstance(node, exp.Mul):
        return p + q + 1, s + t
    return max(p - s, q - t) + max(s, t) + 1, max(s, t)


def is_not_zero(node: exp.Expr) -> bool:
    """Whether a divisor is never 0 (it may be NULL), as far as its form tells."""
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return is_not_zero(node.this) and (type_of(node) in REAL or type_of(node.this) in WHOLE)
    if isinstance(node, exp.Nullif):
        return isinstance(node.expression, exp.Literal) and float(node.expression.name) == 0
    return is_positive(node)


def is_positive(node: exp.Expr) -> bool:
    """Whether a number is above 0, as far as its form tells."""
    node = node.unnest()
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.name) > 0
    if isinstance(node, exp.Add):
        sides = (node.this, node.expression)
        return any(is_positive(one) and _is_not_negative(other) for one, other in (sides, sides[::-1]))
    return isinstance(node, exp.Sqrt) and is_positive(node.this)


def _is_not_negative(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Div):
        return _is_not_negative(node.this) and is_positive(node.expression)
    return isinstance(node, (exp.Abs, exp.Sqrt)) or is_positive(node)
