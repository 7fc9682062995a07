"""Expressions that are moments or spans, and what is reckoned with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlscore.linting.reading import moments
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.values import NOTHING, Moment, Origin, Read, Value, mixed
from sqlscore.linting.zones import DAY, SECONDS, WALL, Var

if TYPE_CHECKING:
    pass

_CLOCKS = frozenset({
    "now", "current_date", "current_timestamp", "today", "get_current_timestamp", "get_current_time", "localtimestamp",
    "localtime", "transaction_timestamp", "current_localtimestamp", "current_localtime", "current_time", "getdate",
    "statement_timestamp", "clock_timestamp", "sysdate", "curdate", "current_datetime", "utc_timestamp",
})  # fmt: skip
_SAME_MOMENT = frozenset({
    "epoch_us", "epoch_ms", "epoch_ns", "epoch", "utc_moment", "make_timestamp", "strptime", "try_strptime",
    "make_timestamptz", "timezone", "to_timestamp",
})  # fmt: skip


Evaluate = Callable[[object], Value]


def time_of(reader: Reader, scope: Scope, node: exp.Expr) -> Value | None:
    """Moments, spans and what is reckoned with them; None if it is nothing of that kind.

    Args:
        reader: Reads the parts.
        scope: What they see.
        node: The expression.
    """

    def evaluate(inner: object) -> Value:
        return reader.value(scope, inner if isinstance(inner, exp.Expr) else None)

    for kinds, read in _KINDS:
        if isinstance(node, kinds):
            return read(evaluate, node)
    return None


def _interval(evaluate: Evaluate, node: exp.Expr) -> Value:
    number = evaluate(node.this) if not isinstance(node.this, exp.Literal) else None
    seconds = moments.span_of(node, number)
    return moments.constant(seconds).tagged("span") if seconds is not None else mixed([number or NOTHING], "span")


def _truncated(evaluate: Evaluate, node: exp.Expr) -> Value:
    step = moments.unit_seconds(node.args.get("unit"))
    inner = evaluate(node.this)
    return moments.truncated(inner, step) if step is not None else mixed([inner])


def _to_date(evaluate: Evaluate, node: exp.Expr) -> Value:
    return moments.truncated(evaluate(node.this), DAY)


def _formatted(evaluate: Evaluate, node: exp.Expr) -> Value:
    step = moments.unit_of_format(node.text("format"))
    inner = evaluate(node.this)
    return moments.truncated(inner, step) if step is not None else mixed([inner])


def _counted(evaluate: Evaluate, node: exp.Expr) -> Value:
    unit = moments.unit_seconds(node.args.get("unit"))
    return _difference(evaluate(node.this), evaluate(node.expression), unit or 0.0)


def _same(evaluate: Evaluate, node: exp.Expr) -> Value:
    return evaluate(node.this)


def _extracted(evaluate: Evaluate, node: exp.Expr) -> Value:
    inner = evaluate(node.expression)
    return inner if node.name.casefold() == "epoch" else mixed([inner])


def _to_span(evaluate: Evaluate, node: exp.Expr) -> Value:
    unit = SECONDS[type(node).__name__.removeprefix("To").removesuffix("s").casefold()]
    number = evaluate(node.this).number
    return moments.constant(number * unit if number is not None else None).tagged("span")


def _given(_: Evaluate, node: exp.Expr) -> Value:
    return Value(moment=Moment(Var("given", node.name or node.text("this") or "?")))


def _cast(evaluate: Evaluate, node: exp.Expr) -> Value:
    inner, kind = evaluate(node.this), node.args["to"].this
    if kind in (exp.DType.DATE, exp.DType.DATE32):
        return moments.truncated(inner, DAY) if inner.moment is not None else inner
    if kind == exp.DType.INTERVAL and isinstance(node.this, exp.Literal):
        return moments.constant(moments.text_span(node.this.name)).tagged("span")
    if isinstance(node.this, exp.Literal) and node.this.is_string and kind in exp.DataType.NUMERIC_TYPES:
        try:
            return Value(number=float(node.this.name))
        except ValueError:
            return NOTHING
    return inner


def _sum(evaluate: Evaluate, node: exp.Expr) -> Value:
    sign = -1 if isinstance(node, (exp.Sub, exp.DateSub, exp.TimestampSub)) else 1
    one, other = evaluate(node.this), evaluate(node.expression)
    unit = moments.unit_seconds(node.args.get("unit")) if not isinstance(node, exp.Binary) else None
    if one.moment is not None and other.moment is not None and sign < 0:
        return _difference(one, other, DAY if one.moment.grain >= DAY and other.moment.grain >= DAY else 0.0)
    if one.moment is None and other.moment is not None and sign > 0:
        one, other = other, one
    if one.moment is not None:
        if other.number is not None and "span" not in other.tags:
            other = Value(other.reads, number=other.number * (unit or DAY))
        return moments.moved(one, other, sign, node.expression.sql("duckdb"))
    if one.number is not None and other.number is not None:
        return Value(number=one.number + sign * other.number, tags=(one.tags | other.tags) & {"span"})
    found = mixed([one, other])
    if one.order is not None and other.number is not None:
        return Value(found.reads, order=one.order, steps=one.steps + sign * other.number, tags=found.tags)
    return Value(found.reads, tags=found.tags)


def _difference(one: Value, other: Value, unit: float) -> Value:
    found = mixed([one, other])
    if one.moment is None or other.moment is None:
        return found
    # date_diff takes the begin first, `a - b` the end: sqlglot puts the end first in both.
    return Value(found.reads, span=(one.moment, other.moment), unit=unit, tags=found.tags)


def _product(evaluate: Evaluate, node: exp.Expr) -> Value:
    values = [evaluate(inner) for inner in (node.this, node.args.get("expression")) if inner is not None]
    numbers = [value.number for value in values]
    known = [number for number in numbers if number is not None]
    tags = frozenset().union(*(value.tags & {"span"} for value in values))
    if len(known) == len(values):
        if isinstance(node, exp.Neg):
            return Value(number=-known[0], tags=tags)
        if isinstance(node, exp.Mul):
            return Value(number=known[0] * known[1], tags=tags)
        if known[1]:
            return Value(number=known[0] / known[1], tags=tags)
    spans = [value for value in values if value.span is not None]
    if len(spans) == 1 and isinstance(node, exp.Div) and known and values[0] is spans[0]:
        return Value(
            mixed(values).reads, span=spans[0].span, unit=(spans[0].unit or 1.0) * known[0], tags=spans[0].tags
        )
    return mixed(values, *tags)


def _chosen(evaluate: Evaluate, node: exp.Expr) -> Value:
    values = [evaluate(one) for one in (node.this, *node.expressions)]
    found = mixed(values)
    if isinstance(node, exp.Coalesce):
        # A parameter that is NULL is no moment; what is there instead is.
        first = next((value for value in values if value.moment is not None or value.reads), values[0])
        flag = frozenset({"boolean", "user"}) & first.tags
        return Value(found.reads, first.moment, first.span, order=first.order, tags=found.tags | flag, unit=first.unit)
    known = [value.moment for value in values if value.moment is not None]
    if len(known) == len(values) == 2 and known[0].var == known[1].var:
        low = (max if isinstance(node, exp.Greatest) else min)(known[0].low, known[1].low)
        high = (max if isinstance(node, exp.Greatest) else min)(known[0].high, known[1].high)
        return Value(found.reads, Moment(known[0].var, low, high))
    if len(known) == len(values) and isinstance(node, exp.Least):
        moving = [moment for moment in known if not moment.var.is_fixed] or known
        return Value(
            found.reads, Moment(Var("earlier", node.sql("duckdb"), moving[0].var), moving[0].low, moving[0].high)
        )
    return found


def _named(evaluate: Evaluate, node: exp.Expr) -> Value | None:
    name = node.name.casefold()
    given = list(node.expressions)
    if name in _CLOCKS:
        return wall_clock_at(node)
    if name in _SAME_MOMENT and given:
        return evaluate(given[-1] if name == "timezone" else given[0])
    unit = moments.to_unit(name)
    if unit is not None and given:
        number = evaluate(given[0]).number
        return moments.constant(number * unit if number is not None else None).tagged("span")
    if name in ("date_part", "datepart") and len(given) == 2 and given[0].name.casefold() == "epoch":
        return evaluate(given[1])
    if name == "time_bucket" and len(given) >= 2:
        width, inner = evaluate(given[0]), evaluate(given[1])
        return moments.truncated(inner, width.number) if width.number else mixed([inner])
    if name == "last_day" and given:
        inner = moments.truncated(evaluate(given[0]), SECONDS["month"])
        return Value(inner.reads, inner.moment.moved(SECONDS["month"] - DAY)) if inner.moment else inner
    return _between(evaluate, node, name) if name in ("age", "datesub", "date_sub", "datediff", "date_diff") else None


def _between(evaluate: Evaluate, node: exp.Expr, name: str) -> Value | None:
    """The span from one moment to another; age() of one is up to the wall clock."""
    values = [evaluate(one) for one in node.expressions]
    if name == "age" and len(values) == 1:
        return mixed([values[0], wall_clock_at(node)])
    if name == "age" and len(values) == 2:
        return _difference(values[0], values[1], 0.0)
    if len(values) == 3:
        return _difference(values[2], values[1], moments.unit_seconds(node.expressions[0]) or 0.0)
    return None


def wall_clock_at(node: exp.Expr) -> Value:
    """The moment at which a query runs."""
    grain = DAY if isinstance(node, exp.CurrentDate) or node.name.casefold() in ("today", "curdate") else 0.0
    read = Read(WALL, Origin("wall", node))
    low = -DAY if grain else 0.0
    return Value(frozenset({read}), Moment(WALL, low, 0.0, grain))


_KINDS: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[Evaluate, exp.Expr], Value | None]], ...] = (
    ((exp.Interval,), _interval),
    ((exp.TimestampTrunc, exp.DateTrunc), _truncated),
    ((exp.Cast, exp.TryCast), _cast),
    ((exp.TsOrDsToDate, exp.Date), _to_date),
    ((exp.TimeToStr,), _formatted),
    ((exp.Add, exp.Sub, exp.DateAdd, exp.DateSub, exp.TimestampAdd, exp.TimestampSub), _sum),
    ((exp.Mul, exp.Div, exp.Neg), _product),
    ((exp.DateDiff, exp.TimestampDiff, exp.DatetimeDiff), _counted),
    ((exp.AtTimeZone, exp.TimeToUnix, exp.UnixToTime, exp.StrToTime, exp.TsOrDsToTimestamp, exp.Timestamp), _same),
    ((exp.Extract,), _extracted),
    ((exp.Coalesce, exp.Greatest, exp.Least), _chosen),
    (
        (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime),
        lambda _, node: wall_clock_at(node),
    ),
    ((exp.Anonymous,), _named),
    (tuple(getattr(exp, name) for name in ("ToDays", "ToHours", "ToMinutes") if hasattr(exp, name)), _to_span),
    ((exp.Placeholder, exp.Parameter), _given),
)
"""What reads each kind of expression."""
