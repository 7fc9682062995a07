"""Rules for moments and spans of time. The session is in UTC, which the query checks."""

from __future__ import annotations

from functools import partial

from sqlglot import exp

from sqlscore.dialects.kinds import WHOLE
from sqlscore.dialects.parts import PARTS, part_of
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.templates import target

spark = partial(target, "spark")

_EXACT = {"MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000}
_TRUNCATED = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DAYS = {"DAY": 1, "WEEK": 7}
_NUMBERED = {"TO_MICROSECONDS": 1, "TO_MILLISECONDS": 1_000, "TO_SECONDS": 1_000_000, "TO_MINUTES": 60_000_000,
             "TO_HOURS": 3_600_000_000}  # fmt: skip


def epoch(node: exp.Expr) -> exp.Expr | None:
    """Microseconds since 1970, both ways."""
    if isinstance(node, exp.Anonymous) and node.name.upper() == "EPOCH_US":
        (value,) = node.expressions
        if type_of(value) in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
            return spark("UNIX_MICROS(:time)", time=value)
        if type_of(value) == "DATE":
            return spark("UNIX_MICROS(CAST(:time AS TIMESTAMP))", time=value)
        raise Refused("epoch", "epoch_us is carried over for a TIMESTAMP or a DATE: cast to TIMESTAMP")
    if isinstance(node, exp.UnixToTime) and type_of(node.this) in WHOLE and type_of(node) == "TIMESTAMP":
        return spark("TIMESTAMP_MICROS(:number)", number=node.this)
    return None


def truncated(node: exp.Expr) -> exp.Expr | None:
    """date_trunc, which is a TIMESTAMP in both; weeks begin on Monday in both."""
    if not isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
        return None
    unit = node.args["unit"].name.upper()
    if unit not in _TRUNCATED:
        raise Refused("unit", f"the unit {unit.lower()!r} is not carried over: use {', '.join(_TRUNCATED).lower()}")
    if type_of(node.this) not in ("TIMESTAMP", "DATE"):
        raise Refused("truncation", "date_trunc is carried over for a TIMESTAMP or a DATE: cast to TIMESTAMP")
    return spark(f"DATE_TRUNC('{unit}', CAST(:time AS TIMESTAMP))", time=node.this)


def difference(node: exp.Expr) -> exp.Expr | None:
    """date_diff counts the boundaries that lie between; Spark's functions count whole units that have passed."""
    if not isinstance(node, exp.DateDiff):
        return None
    unit = node.args["unit"].name.upper()
    if unit not in _TRUNCATED or type_of(node.this) not in ("TIMESTAMP", "DATE"):
        raise Refused(
            "difference", "date_diff is carried over for a TIMESTAMP and units of date_trunc: cast to TIMESTAMP"
        )
    cut = "DAY" if unit == "WEEK" else unit  # DuckDB's weeks are sevens of days, wherever they begin
    start, end = (f"DATE_TRUNC('{cut}', CAST(:{name} AS TIMESTAMP))" for name in ("start", "end"))
    if unit in _MONTHS:
        months = f"TIMESTAMPDIFF(MONTH, {start}, {end}) DIV {_MONTHS[unit]}"
        return spark(months, start=node.expression, end=node.this)
    step = _EXACT.get(unit) or _DAYS[unit] * 86_400_000_000
    return spark(f"(UNIX_MICROS({end}) - UNIX_MICROS({start})) DIV {step}", start=node.expression, end=node.this)


def interval(node: exp.Expr) -> exp.Expr | None:
    """A span of time. Spark has two types, of months and of seconds; a literal has one unit."""
    if isinstance(node, exp.Cast) and type_of(node) == "INTERVAL":
        return _cast(node)
    if isinstance(node, exp.Anonymous) and node.name.upper() in _NUMBERED:
        (count,) = node.expressions
        if type_of(count) not in WHOLE:
            raise Refused("interval", "the number of units must be a whole number")
        return _microseconds(count, _NUMBERED[node.name.upper()])
    if isinstance(node, exp.ToDays):
        return spark("MAKE_DT_INTERVAL(CAST(:n AS INT))", n=node.this)
    if isinstance(node, exp.Anonymous) and node.name.upper() == "TO_WEEKS":
        return spark("MAKE_DT_INTERVAL(CAST((:n) * 7 AS INT))", n=node.expressions[0])
    return _written(node) if isinstance(node, exp.Interval) else None


def _written(node: exp.Interval) -> exp.Expr:
    unit = node.unit.name.upper().removesuffix("S") if node.unit is not None else ""
    count = node.this
    if not isinstance(count, exp.Literal) or not count.name.lstrip("-").isdigit():
        raise Refused("interval", "an interval is a whole number and one unit, such as INTERVAL 30 DAY")
    if unit in _MONTHS:
        return spark(f"INTERVAL '{int(count.name) * _MONTHS[unit]}' MONTH")
    if unit in _DAYS:
        return spark(f"INTERVAL '{int(count.name) * _DAYS[unit]}' DAY")
    if unit in ("HOUR", "MINUTE", "SECOND"):
        return spark(f"INTERVAL '{count.name}' {unit}")
    raise Refused("interval", f"an interval of {unit.lower() or 'no unit'}: use DAY, HOUR, MINUTE or SECOND")


def _microseconds(count: exp.Expr, each: int) -> exp.Expr:
    return spark(f"MAKE_DT_INTERVAL(0, 0, 0, CAST((:n) * {each} AS DECIMAL(18, 0)) / 1000000)", n=count)


def _cast(node: exp.Expr) -> exp.Expr:
    """An interval as itself; NULL; or a text of a number and a unit, `CAST(CONCAT(n, ' week') AS INTERVAL)`."""
    value: exp.Expr = node.this.unnest()
    if isinstance(value, exp.Interval) or type_of(value) == "INTERVAL":
        return value
    if isinstance(value, exp.Null):
        return spark("CAST(NULL AS INTERVAL DAY TO SECOND)")
    if isinstance(value, exp.Concat) and value.expressions and isinstance(value.expressions[-1], exp.Literal):
        number, *words = value.expressions
        unit = "".join(word.name for word in words).strip().upper().removesuffix("S")
        if all(isinstance(word, exp.Literal) for word in words) and type_of(number) in WHOLE:
            if unit in _MONTHS:
                return spark(f"MAKE_YM_INTERVAL(0, CAST((:n) * {_MONTHS[unit]} AS INT))", n=number)
            if unit in _DAYS:
                return spark(f"MAKE_DT_INTERVAL(CAST((:n) * {_DAYS[unit]} AS INT))", n=number)
            if unit in _EXACT:
                return _microseconds(number, _EXACT[unit])
    raise Refused("interval", "a text that is cast to INTERVAL must be a whole number and one unit")


_PARTS = {name: f"{name}(:time)" for name in ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")} | {
    "DOW": "DAYOFWEEK(:time) - 1", "ISODOW": "WEEKDAY(:time) + 1", "DOY": "DAYOFYEAR(:time)",
    "WEEK": "WEEKOFYEAR(:time)",
}  # fmt: skip


def part(node: exp.Expr) -> exp.Expr | None:
    """A part of a moment: a BIGINT, where Spark's is an INT that overflows sooner."""
    found = part_of(node, (*PARTS, "SECOND", "WEEK"))
    if found is None:
        return None
    name, value = found
    return spark(f"CAST({_PARTS[name]} AS BIGINT)".replace(":time", "CAST(:time AS TIMESTAMP)"), time=value)


TIMES = (epoch, truncated, difference, interval, part)
