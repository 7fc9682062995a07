"""Expressions that are moments or spans of time."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

from sqlglot import exp

from sqlscore.linting.values import NO_READS, NOTHING, Moment, Value, mixed
from sqlscore.linting.zones import DAY, EPOCH, SECONDS, Var

_TO = {f"to_{unit}s": seconds for unit, seconds in SECONDS.items()} | {"to_centuries": 100 * SECONDS["year"]}
_UNITS = {
    "y": "year", "yr": "year", "yrs": "year", "mon": "month", "mons": "month", "w": "week", "d": "day",
    "dy": "day", "h": "hour", "hr": "hour",
    "hrs": "hour", "m": "minute", "min": "minute", "mins": "minute", "s": "second", "sec": "second",
    "secs": "second", "ms": "millisecond", "msec": "millisecond", "us": "microsecond", "dayofyear":
    "day", "q": "quarter",
}  # fmt: skip
_FORMATS = (
    (("%S", "%T", "%X", "%c"), "second"), (("%M", "%R"), "minute"), (("%H", "%I"), "hour"),
    (("%d", "%j", "%-d", "%x", "%D", "%F"), "day"), (("%W", "%U", "%V"), "week"), (("%m", "%B", "%b", "%-m"), "month"),
    (("%Y", "%y", "%G"), "year"),
)  # fmt: skip


def unit_seconds(node: object) -> float | None:
    """Seconds in a unit of time by its name; None if it is none."""
    name = node.name if isinstance(node, exp.Expr) else str(node or "")
    name = name.casefold().strip("'\"")
    for known in (name, name.rstrip("s"), _UNITS.get(name, "")):
        if known in SECONDS:
            return SECONDS[known]
    return None


def literal_moment(text: str) -> Moment | None:
    """The moment that a text says, None if it says none; infinity is no moment."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    seconds = (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return Moment(EPOCH, seconds, seconds, DAY if seconds % DAY == 0 else 0.0)


def truncated(value: Value, step: float) -> Value:
    """The begin of the unit of time in which a moment lies."""
    moment = value.moment
    if moment is None:
        return mixed([value])
    if moment.grain and moment.grain % step == 0 and moment.low == moment.high:
        return Value(value.reads, moment, base=None, tags=value.tags & {"user"})
    if moment.low == moment.high == 0.0:
        var = Var("trunc", f"{step:g}", moment.var, step)
        return Value(value.reads, Moment(var, grain=step))
    return Value(value.reads, Moment(moment.var, moment.low - step, moment.high, step))


def span_of(node: exp.Expr, number: Value | None) -> float | None:
    """The seconds of an INTERVAL that is written out.

    DuckDB cuts a number to a whole one before a unit larger than a second, unless number and unit are one text:
    INTERVAL 1.5 DAY and INTERVAL '1.5' DAY are a day, INTERVAL '1.5 days' is a day and a half.
    """
    unit = unit_seconds(node.args.get("unit"))
    this = node.this
    if isinstance(this, exp.Literal):
        count = _count(this.name) if unit is not None else None
        if count is None:
            return _text_span(this.name)
    else:
        count = number.number if number is not None else None
    if count is None or unit is None:
        return None
    whole = unit > SECONDS["second"] and not node.args.get("fraction_in_string")
    return (math.trunc(count) if whole else count) * unit


def _count(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text_span(text: str) -> float | None:
    """Pairs of a number and a unit, then a time of day or the word "ago". DuckDB reads nothing after a time of day."""
    parts = text.split()
    clock = next((at for at, part in enumerate(parts) if ":" in part), None)
    ago = clock is None and len(parts) > 1 and parts[-1].casefold() == "ago"
    words = parts[:-1] if ago else parts[:clock]
    try:
        seconds = _clock(parts[clock]) if clock is not None else 0.0
        pairs = [(float(a), unit_seconds(b)) for a, b in zip(words[::2], words[1::2], strict=True)]
    except ValueError:
        return None
    if not parts or any(unit is None for _, unit in pairs):
        return None
    seconds += sum(number * (unit or 0.0) for number, unit in pairs)
    return -seconds if ago else seconds


def _clock(text: str) -> float:
    hours, minutes, *seconds = text.removeprefix("-").split(":")
    size = float(hours) * 3600 + float(minutes) * 60 + float(seconds[0] if seconds else 0)
    return -size if text.startswith("-") else size


def text_span(text: str) -> float | None:
    """The seconds of a text such as "30 days"; None if it is none."""
    return _text_span(text)


def moved(value: Value, amount: Value, sign: int, text: str) -> Value:
    """A moment plus or minus a span.

    Args:
        value: The moment.
        amount: The span.
        sign: 1 or -1.
        text: The SQL of the span, which tells unknown spans apart.
    """
    moment = value.moment
    if moment is None:
        return mixed([value, amount])
    reads = value.reads | amount.reads
    if amount.number is not None:
        return Value(reads, moment.moved(sign * amount.number))
    if amount.reads or amount.pick is not None or amount.order is not None:  # another span in each row
        return mixed([value, amount])
    kind = "later" if sign > 0 else "earlier"
    if moment.low == moment.high:
        return Value(reads, Moment(Var(kind, f"{text} {moment.low:g}", moment.var), moment.low, moment.high))
    return Value(reads, Moment(Var(kind, f"{text} {moment.low:g}", moment.var)))


def unit_of_format(text: str) -> float | None:
    """The unit to which a format of strftime rounds, if the text orders as time does."""
    for signs, unit in _FORMATS:
        if any(sign in text for sign in signs):
            return SECONDS[unit] if "%Y" in text or "%F" in text or "%G" in text or "%c" in text else None
    return None


def to_unit(name: str) -> float | None:
    """Seconds in one of what a function such as to_days counts."""
    return _TO.get(name.casefold())


def constant(seconds: float | None) -> Value:
    """A span that is written out."""
    return NOTHING if seconds is None else Value(NO_READS, number=seconds)


def moment_of_date(day: date) -> Moment:
    """The moment at which a day begins."""
    found = literal_moment(day.isoformat())
    return found if found is not None else Moment(EPOCH)
