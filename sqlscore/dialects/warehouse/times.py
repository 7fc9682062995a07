"""Rules for moments without a zone, and spans of time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sqlscore.dialects.kinds import MOMENTS, WHOLE
from sqlscore.dialects.parts import part_of
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.warehouse.words import Words

_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
_IN_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_IN_DAYS = {"DAY": 1, "WEEK": 7}
_IN_MICROSECONDS = {"MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000,
                    "HOUR": 3_600_000_000}  # fmt: skip
_SCALES = {"MONTH": _IN_MONTHS, "DAY": _IN_DAYS, "MICROSECOND": _IN_MICROSECONDS}


@dataclass(frozen=True)
class _Span:
    """A span of time: a number of months, of days, or of microseconds.

    Attributes:
        number: how many units, an expression or a whole number.
        unit: MONTH, DAY or MICROSECOND.
        each: how many of these one unit is.
    """

    number: exp.Expr | int
    unit: str
    each: int


def epoch(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Microseconds since 1970, both ways."""
    if isinstance(node, exp.Anonymous) and node.name.upper() == "EPOCH_US":
        (value,) = node.expressions
        if type_of(value) not in MOMENTS:
            raise Refused("epoch", "epoch_us is carried over for a TIMESTAMP or a DATE: cast to TIMESTAMP")
        return words.said("epoch", "epoch", time=_moment(words, value))
    if isinstance(node, exp.UnixToTime) and type_of(node.this) in WHOLE and type_of(node) == "TIMESTAMP":
        return words.said("moment", "epoch", number=node.this)
    return None


def _moment(words: Words, value: exp.Expr) -> exp.Expr:
    """A moment as the engine's TIMESTAMP without a zone."""
    if type_of(value) == "TIMESTAMP":
        return value
    return words.write(f"CAST(:value AS {words.types['TIMESTAMP']})", value=value)


def truncated(words: Words, node: exp.Expr) -> exp.Expr | None:
    """date_trunc, which is a TIMESTAMP; weeks begin on Monday, whatever the session says."""
    if not isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
        return None
    unit = node.args["unit"].name.upper()
    if unit not in _UNITS:
        raise Refused("unit", f"the unit {unit.lower()!r} is not carried over: use {', '.join(_UNITS).lower()}")
    if type_of(node.this) not in MOMENTS:
        raise Refused("truncation", "date_trunc is carried over for a TIMESTAMP or a DATE: cast to TIMESTAMP")
    return _cut(words, unit, _moment(words, node.this))


def _cut(words: Words, unit: str, time: exp.Expr) -> exp.Expr:
    if unit == "WEEK":
        return words.said("week", "truncation", time=time)
    return words.write(words.templates["cut"].replace("{unit}", unit), time=time)


def difference(words: Words, node: exp.Expr) -> exp.Expr | None:
    """date_diff counts the boundaries that lie between; weeks are sevens of days."""
    if not isinstance(node, exp.DateDiff):
        return None
    unit = node.args["unit"].name.upper()
    if unit not in _UNITS or not {type_of(node.this), type_of(node.expression)} <= MOMENTS:
        raise Refused(
            "difference", "date_diff is carried over for a TIMESTAMP and units of date_trunc: cast to TIMESTAMP"
        )
    start, end = _moment(words, node.expression), _moment(words, node.this)
    if unit == "WEEK":
        return words.said("days_by_seven", "difference", start=start, end=end)
    kind = "months_between" if unit in _IN_MONTHS else "units_between"
    template = words.templates[kind].replace("{unit}", unit).replace("{months}", str(_IN_MONTHS.get(unit, 1)))
    return words.write(template.replace("{each}", str(_microseconds(unit))), start=start, end=end)


def _microseconds(unit: str) -> int:
    return _IN_MICROSECONDS.get(unit, 86_400_000_000)


def shifted(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A moment and a span: months keep to the end of a shorter month, in all of them."""
    if not isinstance(node, (exp.Add, exp.Sub)):
        return None
    time, span = node.this, node.expression
    if isinstance(node, exp.Add) and type_of(time) == "INTERVAL":
        time, span = span, time
    if type_of(span) != "INTERVAL" or type_of(time) not in MOMENTS:
        return None
    found = _span(span)
    if found is None:
        return words.write(f"CAST(NULL AS {words.types['TIMESTAMP']})")
    sign = -1 if isinstance(node, exp.Sub) else 1
    template = words.templates["shifted"].replace("{unit}", found.unit)
    if isinstance(found.number, int):
        count: exp.Expr = words.write(str(sign * found.number * found.each))
    else:
        count = words.write(f"(:n) * {sign * found.each}", n=found.number)
    return words.write(template, time=_moment(words, time), n=count)


def _span(node: exp.Expr) -> _Span | None:
    """The span that an expression of type INTERVAL says; None for NULL.

    Raises Refused if it is not a whole number of one unit.
    """
    node = node.unnest()
    if isinstance(node, exp.ToDays):
        return _scaled(node.this, "DAY")
    if isinstance(node, exp.Anonymous) and node.name.upper().startswith("TO_"):
        (count,) = node.expressions
        return _scaled(count, node.name.upper().removeprefix("TO_"))
    if isinstance(node, exp.Interval) and node.unit is not None and node.this.name.lstrip("-").isdigit():
        return _scaled(int(node.this.name), node.unit.name)
    if isinstance(node, exp.Cast):
        value = node.this.unnest()
        if isinstance(value, exp.Null):
            return None
        if isinstance(value, exp.Concat) and all(isinstance(word, exp.Literal) for word in value.expressions[1:]):
            return _scaled(value.expressions[0], "".join(word.name for word in value.expressions[1:]).strip())
        if type_of(value) == "INTERVAL" or isinstance(value, exp.Interval):
            return _span(value)
    raise Refused("interval", "a span is a whole number of one unit, such as INTERVAL 30 DAY or to_days(n)")


def _scaled(number: exp.Expr | int, unit: str) -> _Span:
    unit = unit.upper().removesuffix("S")
    if not isinstance(number, int) and type_of(number) not in WHOLE:
        raise Refused("interval", "the number of units must be a whole number")
    for base, scale in _SCALES.items():
        if unit in scale:
            return _Span(number, base, scale[unit])
    raise Refused("interval", f"an interval of {unit.lower() or 'no unit'}: use MONTH, DAY, HOUR, MINUTE or SECOND")


def interval(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A span by itself, or between two moments: PostgreSQL compares them as DuckDB does, a month as 30 days."""
    if isinstance(node, exp.Sub) and {type_of(node.this), type_of(node.expression)} == {"TIMESTAMP"}:
        return words.said("elapsed", "interval", end=node.this, start=node.expression)
    if type_of(node) != "INTERVAL" or not isinstance(node, (exp.Interval, exp.Cast, exp.Anonymous, exp.ToDays)):
        return None
    found = _span(node)
    if found is None:
        return words.said("no_span", "interval")
    if isinstance(found.number, int):
        return words.said("span", "interval", n=words.write(str(found.number * found.each)), unit=f"1 {found.unit}")
    return words.said("span", "interval", n=words.write(f"(:n) * {found.each}", n=found.number), unit=f"1 {found.unit}")


def part(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A part of a moment as a whole number."""
    found = part_of(node)
    if found is None:
        return None
    name, value = found
    template = words.templates.get(f"part_{name}", words.templates["part"].replace("{unit}", name))
    return words.write(template, time=_moment(words, value))


TIMES = (epoch, truncated, difference, shifted, interval, part)
