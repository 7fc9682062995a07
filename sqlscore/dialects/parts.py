"""Parts of a moment, such as its hour: which of them a query asks for, and of what."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.kinds import MOMENTS
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of

_NODES: dict[type[exp.Expr], str] = {
    exp.Year: "YEAR", exp.Quarter: "QUARTER", exp.Month: "MONTH", exp.Day: "DAY", exp.DayOfMonth: "DAY",
    exp.Hour: "HOUR", exp.Minute: "MINUTE", exp.DayOfWeek: "DOW", exp.DayOfWeekIso: "ISODOW", exp.DayOfYear: "DOY",
    exp.Second: "SECOND", exp.Week: "WEEK", exp.WeekOfYear: "WEEK",
}  # fmt: skip
_SPELLED = {"DAYOFWEEK": "DOW", "WEEKDAY": "DOW", "DAYOFYEAR": "DOY", "DAYOFMONTH": "DAY", "WEEKOFYEAR": "WEEK"}
PARTS = ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "DOW", "ISODOW", "DOY")
"""Whole numbers in every engine: Sunday is 0 in dow, and in isodow Monday 1 and Sunday 7."""


def part_of(node: exp.Expr, known: tuple[str, ...] = PARTS) -> tuple[str, exp.Expr] | None:
    """The part, and the TIMESTAMP or DATE whose part it is; None for a node that asks for none.

    Args:
        node: DuckDB's, such as `hour(t)`, `extract(hour FROM t)` or `date_part('hour', t)`.
        known: parts that the target has.

    Raises Refused for another part, or if the value is no moment or its type is not known.
    """
    if isinstance(node, exp.Extract):
        name, value = node.this.name.upper(), node.expression
    elif type(node) in _NODES:
        name, value = _NODES[type(node)], node.this
    elif isinstance(node, exp.Anonymous) and node.name.upper() == "WEEKDAY":
        name, (value,) = "DOW", node.expressions
    elif isinstance(node, exp.Anonymous) and node.name.upper() in ("DATE_PART", "DATEPART"):
        said, value = node.expressions
        if not isinstance(said, exp.Literal):
            raise Refused("part", "the part is a text that is written out, such as date_part('hour', t)")
        name = said.name.upper()
    else:
        return None
    name = _SPELLED.get(name, name)
    while isinstance(value, (exp.TsOrDsToDate, exp.TsOrDsToTimestamp)):
        value = value.this
    if type_of(value) not in MOMENTS:
        raise Refused("part", "parts of a TIMESTAMP or a DATE are carried over: cast to TIMESTAMP")
    if name not in known:
        raise Refused("part", f"{name.lower()} is not carried over: use {', '.join(known).lower()}")
    return name, value
