"""MySQL's functions of days and moments.

Texts that stand where a moment is wanted become moments; what a column holds is the engine's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from sqlscore.mysql.refusals import NOT_SUPPORTED, Refusal
from sqlscore.mysql.templates import bracketed, from_template

_DATE_UNITS = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_UNITS = _DATE_UNITS | {"HOUR", "MINUTE", "SECOND", "MICROSECOND"}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_WHOLE_MONTHS = """
    datediff('month', :a, :b)
    - CASE WHEN :b >= :a AND :b - date_trunc('month', :b) < :a - date_trunc('month', :a) THEN 1
           WHEN :b < :a AND :b - date_trunc('month', :b) > :a - date_trunc('month', :a) THEN -1 ELSE 0 END
"""  # the engine's own datesub counts the last days of two months as a month apart
_SHORT_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
NOW = "CAST(now() AS TIMESTAMP)"
_FORMATS = frozenset("aAbBdGHIMTUYfjmpSvwy%")  # of strftime, which sqlglot has made of MySQL's, but for T and v


def moment(node: exp.Expr) -> exp.Expr:
    """The operand of a function of time: a text or a parameter as a moment, anything else as it is."""
    if isinstance(node, exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
        node = node.this
    if (isinstance(node, exp.Literal) and node.is_string) or isinstance(node, exp.Parameter):
        return exp.cast(node.copy(), "TIMESTAMP")
    return node.copy()


def _day(node: exp.Expr) -> exp.Expr:
    return exp.cast(moment(node), "DATE")


def _shift(base: exp.Expr, amount: exp.Expr, unit: str, *, back: bool) -> exp.Expr:
    """base plus or minus so many units. A day stays a day if whole days are added."""
    unit = unit.upper()
    if unit not in _UNITS:
        raise Refusal(NOT_SUPPORTED, f"INTERVAL with {unit} is not served: use one unit, such as INTERVAL 90 MINUTE")
    if isinstance(amount, exp.Literal) and amount.is_string and re.fullmatch(r"[+-]?\d+", amount.name):
        amount = exp.Literal.number(amount.name)
    interval = from_template(f"to_{unit.lower()}s(CAST(:n AS {'DOUBLE' if unit == 'SECOND' else 'BIGINT'}))", n=amount)
    is_day = unit in _DATE_UNITS and _is_day(base)
    sum_ = (exp.Sub if back else exp.Add)(this=bracketed(_day(base) if is_day else moment(base)), expression=interval)
    return exp.cast(exp.Paren(this=sum_), "DATE") if is_day else exp.Paren(this=sum_)


def _is_day(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return node.is_string and bool(_SHORT_DATE.fullmatch(node.name))
    if isinstance(node, exp.Cast):
        return node.is_type("DATE")
    return isinstance(node, exp.TsOrDsToDate | exp.CurrentDate | exp.UtcDate | exp.LastDay)


def shifted(node: exp.Expr, *, back: bool) -> exp.Expr:
    """DATE_ADD, DATE_SUB and TIMESTAMPADD."""
    unit = node.args.get("unit")
    return _shift(node.this, node.expression, unit.name if unit else "DAY", back=back)


def added(node: exp.Expr, *, back: bool) -> exp.Expr:
    """a + INTERVAL 1 DAY; other sums stay as they are."""
    interval = node.expression
    if not isinstance(interval, exp.Interval):
        return node
    unit = interval.args.get("unit")
    return _shift(node.this, interval.this, unit.name if unit else "", back=back)


def between(node: exp.Expr) -> exp.Expr:
    """Whole units that passed, not borders that were crossed."""
    unit = node.args["unit"].name.upper()
    if unit not in _UNITS:
        raise Refusal(NOT_SUPPORTED, f"TIMESTAMPDIFF with {unit} is not served: use one unit, such as MINUTE")
    begin, end = (exp.cast(moment(part), "TIMESTAMP") for part in (node.expression, node.this))
    if unit in _MONTHS:
        return from_template(f"(({_WHOLE_MONTHS}) // {_MONTHS[unit]})", a=begin, b=end)
    return from_template(f"datesub('{unit.lower()}', :a, :b)", a=begin, b=end)


def days_apart(node: exp.Expr) -> exp.Expr:
    """DATEDIFF. For MySQL the year 0 has no 29 February, for DuckDB it has; TO_DAYS counts from its first day."""
    last, first = _day(node.this), node.expression
    literal = first.find(exp.Literal)
    if literal is not None and literal.name == "0000-01-01":
        first = exp.Literal.string("0000-01-02")
    return from_template("datediff('day', :a, :b)", a=_day(first), b=last)


def formatted(node: exp.Expr) -> exp.Expr:
    """DATE_FORMAT with a format that sqlglot has turned into one of strftime already."""
    text = node.args["format"]
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise Refusal(NOT_SUPPORTED, "DATE_FORMAT needs its format written out, since it is translated")
    return exp.func("strftime", exp.cast(moment(node.this), "TIMESTAMP"), exp.Literal.string(_format(text.name)))


def _format(text: str) -> str:
    for found in re.finditer(r"%-?(.)", text, re.DOTALL):
        if found[1] not in _FORMATS:
            raise Refusal(NOT_SUPPORTED, f"the format {found[0]} of a moment is not served: build it from others")
    return re.sub(r"%(.)", lambda found: {"T": "%H:%M:%S", "v": "%V"}.get(found[1], found[0]), text)


def read_moment(node: exp.Expr) -> exp.Expr:
    """STR_TO_DATE: a day if the format has no time; NULL for what does not fit."""
    text = node.args["format"]
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise Refusal(NOT_SUPPORTED, "STR_TO_DATE needs its format written out, since it is translated")
    read = exp.func("try_strptime", node.this.copy(), exp.Literal.string(_format(text.name)))
    return read if re.search(r"%-?[HIMSfpT]", text.name) else exp.cast(read, "DATE")


def week(node: exp.Expr) -> exp.Expr:
    """WEEK, of a mode that the engine counts too. Raises Refusal for others."""
    mode = node.args.get("mode")
    if mode is None or mode.name == "0":
        return from_template("CAST(strftime(:a, '%U') AS INTEGER)", a=exp.cast(moment(node.this), "TIMESTAMP"))
    if mode.name == "3":
        return from_template("week(:a)", a=moment(node.this))
    raise Refusal(NOT_SUPPORTED, f"WEEK with mode {mode.sql('mysql')} is not served: use 0 or 3")


def year_week(arguments: list[exp.Expr]) -> exp.Expr:
    """YEARWEEK, by ISO. Raises Refusal for other modes."""
    if len(arguments) == 2 and arguments[1].name == "3":
        return from_template("yearweek(:a)", a=moment(arguments[0]))
    raise Refusal(NOT_SUPPORTED, "YEARWEEK is served with mode 3 alone: YEARWEEK(d, 3)")


def from_seconds(node: exp.Expr) -> exp.Expr:
    """FROM_UNIXTIME, perhaps as text of a format."""
    made = from_template("make_timestamp(CAST(round(:a * 1000000.0) AS BIGINT))", a=node.this)
    text = node.args.get("format")
    if text is None:
        return made
    return exp.func("strftime", made, exp.Literal.string(_format(text.name)))


def of_moment(template: str) -> Callable[[exp.Expr], exp.Expr]:
    """What makes an expression of one moment, `:a`."""
    return lambda node: from_template(template, a=moment(node.this))


def extracted(node: exp.Expr) -> exp.Expr:
    """EXTRACT of one unit. Raises Refusal for two in one."""
    unit = node.this.name.upper()
    if unit not in _UNITS:
        raise Refusal(NOT_SUPPORTED, f"EXTRACT with {unit} is not served: use one unit, such as MINUTE")
    return exp.Extract(this=node.this.copy(), expression=moment(node.expression))


def days_added(back: bool) -> Callable[[list[exp.Expr]], exp.Expr]:
    """What makes ADDDATE or SUBDATE, which take days as a number too."""

    def made(arguments: list[exp.Expr]) -> exp.Expr:
        base, amount = arguments
        if isinstance(amount, exp.Interval):
            return _shift(base, amount.this, amount.text("unit"), back=back)
        return _shift(base, amount, "DAY", back=back)

    return made


def epoch_seconds(arguments: list[exp.Expr]) -> exp.Expr:
    """UNIX_TIMESTAMP, of now or of a moment."""
    if not arguments:
        return from_template("CAST(floor(epoch(now())) AS BIGINT)")
    return from_template("CAST(floor(epoch(:a)) AS BIGINT)", a=exp.cast(moment(arguments[0]), "TIMESTAMP"))
