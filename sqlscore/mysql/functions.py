"""MySQL's functions that DuckDB has under another name, with another meaning, or not at all.

Compared with a server of MariaDB 10.11: tests/mysql/expressions.sql. Texts that stand where a moment is wanted become
moments; what a column holds is the engine's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp, parse_one

from sqlscore.mysql.refusals import NOT_SUPPORTED, Refusal

_DATE_UNITS = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_UNITS = _DATE_UNITS | {"HOUR", "MINUTE", "SECOND", "MICROSECOND"}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_WHOLE_MONTHS = """
    datediff('month', :a, :b)
    - CASE WHEN :b >= :a AND :b - date_trunc('month', :b) < :a - date_trunc('month', :a) THEN 1
           WHEN :b < :a AND :b - date_trunc('month', :b) > :a - date_trunc('month', :a) THEN -1 ELSE 0 END
"""  # the engine's own datesub counts the last days of two months as a month apart
_SHORT_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_NOW = "CAST(now() AS TIMESTAMP)"
_FORMATS = frozenset("aAbBdGHIMTUYfjmpSvwy%")  # of strftime, which sqlglot has made of MySQL's, but for T and v


def _made(template: str, **parts: exp.Expr) -> exp.Expr:
    """An expression of DuckDB in which `:name` is replaced by an expression, wherever it stands."""

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name in parts:
            return _bracketed(parts[node.name].copy())
        return node

    return parse_one(template, dialect="duckdb").transform(put)


def _bracketed(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Binary | exp.Unary | exp.Between | exp.In) else node


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
    interval = _made(f"to_{unit.lower()}s(CAST(:n AS {'DOUBLE' if unit == 'SECOND' else 'BIGINT'}))", n=amount)
    is_day = unit in _DATE_UNITS and _is_day(base)
    sum_ = (exp.Sub if back else exp.Add)(this=_bracketed(_day(base) if is_day else moment(base)), expression=interval)
    return exp.cast(exp.Paren(this=sum_), "DATE") if is_day else exp.Paren(this=sum_)


def _is_day(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return node.is_string and bool(_SHORT_DATE.fullmatch(node.name))
    if isinstance(node, exp.Cast):
        return node.is_type("DATE")
    return isinstance(node, exp.TsOrDsToDate | exp.CurrentDate | exp.UtcDate | exp.LastDay)


def _shifted(node: exp.Expr, *, back: bool) -> exp.Expr:
    unit = node.args.get("unit")
    return _shift(node.this, node.expression, unit.name if unit else "DAY", back=back)


def _added(node: exp.Expr, *, back: bool) -> exp.Expr:
    """a + INTERVAL 1 DAY; other sums stay as they are."""
    interval = node.expression
    if not isinstance(interval, exp.Interval):
        return node
    unit = interval.args.get("unit")
    return _shift(node.this, interval.this, unit.name if unit else "", back=back)


def _between(node: exp.Expr) -> exp.Expr:
    """Whole units that passed, not borders that were crossed."""
    unit = node.args["unit"].name.upper()
    if unit not in _UNITS:
        raise Refusal(NOT_SUPPORTED, f"TIMESTAMPDIFF with {unit} is not served: use one unit, such as MINUTE")
    begin, end = (exp.cast(moment(part), "TIMESTAMP") for part in (node.expression, node.this))
    if unit in _MONTHS:
        return _made(f"(({_WHOLE_MONTHS}) // {_MONTHS[unit]})", a=begin, b=end)
    return _made(f"datesub('{unit.lower()}', :a, :b)", a=begin, b=end)


def _days_apart(node: exp.Expr) -> exp.Expr:
    """DATEDIFF. For MySQL the year 0 has no 29 February, for DuckDB it has; TO_DAYS counts from its first day."""
    last, first = _day(node.this), node.expression
    literal = first.find(exp.Literal)
    if literal is not None and literal.name == "0000-01-01":
        first = exp.Literal.string("0000-01-02")
    return _made("datediff('day', :a, :b)", a=_day(first), b=last)


def _formatted(node: exp.Expr) -> exp.Expr:
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


def _read_moment(node: exp.Expr) -> exp.Expr:
    """STR_TO_DATE: a day if the format has no time; NULL for what does not fit."""
    text = node.args["format"]
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise Refusal(NOT_SUPPORTED, "STR_TO_DATE needs its format written out, since it is translated")
    read = exp.func("try_strptime", node.this.copy(), exp.Literal.string(_format(text.name)))
    return read if re.search(r"%-?[HIMSfpT]", text.name) else exp.cast(read, "DATE")


def _week(node: exp.Expr) -> exp.Expr:
    mode = node.args.get("mode")
    if mode is None or mode.name == "0":
        return _made("CAST(strftime(:a, '%U') AS INTEGER)", a=exp.cast(moment(node.this), "TIMESTAMP"))
    if mode.name == "3":
        return _made("week(:a)", a=moment(node.this))
    raise Refusal(NOT_SUPPORTED, f"WEEK with mode {mode.sql('mysql')} is not served: use 0 or 3")


def _is_iso(arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) == 2 and arguments[1].name == "3":
        return _made("yearweek(:a)", a=moment(arguments[0]))
    raise Refusal(NOT_SUPPORTED, "YEARWEEK is served with mode 3 alone: YEARWEEK(d, 3)")


def _logarithm(node: exp.Expr) -> exp.Expr:
    if node.args.get("expression") is None:
        return _made("ln(:a)", a=node.this)
    return node


def _compared(node: exp.Expr) -> exp.Expr:
    """LIKE, in which MySQL takes a backslash for an escape."""
    pattern = node.expression
    if isinstance(node.parent, exp.Escape) or (isinstance(pattern, exp.Literal) and "\\" not in pattern.name):
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _collated(node: exp.Expr) -> exp.Expr:
    name = node.expression.name.casefold()
    if not name.endswith("_ci"):
        return node.this.copy()
    collation = "NOCASE.NOACCENT" if "_ai_" in name or name.count("_") == 2 else "NOCASE"
    return exp.Collate(this=_bracketed(node.this.copy()), expression=exp.Var(this=collation))


def _cast(node: exp.Expr) -> exp.Expr:
    if node.args["to"].this == exp.DType.CHARACTER_SET:
        return exp.cast(node.this.copy(), "VARCHAR")
    return node


def _from_seconds(node: exp.Expr) -> exp.Expr:
    made = _made("make_timestamp(CAST(round(:a * 1000000.0) AS BIGINT))", a=node.this)
    text = node.args.get("format")
    if text is None:
        return made
    return exp.func("strftime", made, exp.Literal.string(_format(text.name)))


def _safe(kind: type[exp.Expr]) -> Callable[[exp.Expr], exp.Expr]:
    """NULL where the divisor is 0."""

    def made(node: exp.Expr) -> exp.Expr:
        divisor = exp.func("nullif", node.expression.copy(), exp.Literal.number(0))
        return kind(this=node.this.copy(), expression=divisor)

    return made


def _count(node: exp.Expr) -> exp.Expr:
    several = node.this
    if isinstance(several, exp.Distinct) and len(several.expressions) > 1:
        raise Refusal(NOT_SUPPORTED, "COUNT(DISTINCT a, b) is not served: count a SELECT DISTINCT a, b in brackets")
    return node


def _of_moment(template: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: _made(template, a=moment(node.this))


def _extracted(node: exp.Expr) -> exp.Expr:
    unit = node.this.name.upper()
    if unit not in _UNITS:
        raise Refusal(NOT_SUPPORTED, f"EXTRACT with {unit} is not served: use one unit, such as MINUTE")
    return exp.Extract(this=node.this.copy(), expression=moment(node.expression))


def _unserved(node: exp.Expr) -> exp.Expr:
    raise Refusal(NOT_SUPPORTED, f"{node.key.upper()} is not served: DuckDB has nothing like it")


KINDS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Add: lambda node: _added(node, back=False),
    exp.Sub: lambda node: _added(node, back=True),
    exp.DateAdd: lambda node: _shifted(node, back=False),
    exp.DateSub: lambda node: _shifted(node, back=True),
    exp.TimestampAdd: lambda node: _shifted(node, back=False),
    exp.TimestampDiff: _between,
    exp.DateDiff: _days_apart,
    exp.TimeToStr: _formatted,
    exp.StrToDate: _read_moment,
    exp.UnixToTime: _from_seconds,
    exp.Week: _week,
    exp.DayOfWeek: _of_moment("(dayofweek(:a) + 1)"),
    exp.Dayname: _of_moment("dayname(:a)"),
    exp.LastDay: _of_moment("last_day(:a)"),
    exp.Hour: _of_moment("hour(:a)"),
    exp.Minute: _of_moment("minute(:a)"),
    exp.Second: _of_moment("second(:a)"),
    exp.Quarter: _of_moment("quarter(:a)"),
    exp.Extract: _extracted,
    exp.Timestamp: lambda node: exp.cast(node.this.copy(), "TIMESTAMP"),
    exp.CurrentTimestamp: lambda _: _made(_NOW),
    exp.UtcTimestamp: lambda _: _made(_NOW),
    exp.Localtime: lambda _: _made(_NOW),
    exp.Localtimestamp: lambda _: _made(_NOW),
    exp.CurrentTime: lambda _: _made(f"CAST({_NOW} AS TIME)"),
    exp.UtcTime: lambda _: _made(f"CAST({_NOW} AS TIME)"),
    exp.CurrentDate: lambda _: _made("CAST(now() AS DATE)"),
    exp.UtcDate: lambda _: _made("CAST(now() AS DATE)"),
    exp.Length: lambda node: exp.func("strlen" if node.args.get("binary") else "length", node.this.copy()),
    exp.SubstringIndex: lambda node: _made(
        "array_to_string(CASE WHEN :n > 0 THEN list_slice(string_split(:s, :d), 1, :n) "
        "WHEN :n < 0 THEN list_slice(string_split(:s, :d), :n, len(string_split(:s, :d))) ELSE [] END, :d)",
        s=node.this,
        d=node.args["delimiter"],
        n=node.args["count"],
    ),
    exp.Elt: lambda node: _made("list_extract(:l, :n)", l=exp.Array(expressions=node.expressions), n=node.this),
    exp.IntDiv: _safe(exp.IntDiv),
    exp.Mod: _safe(exp.Mod),
    exp.Log: _logarithm,
    exp.Like: _compared,
    exp.Collate: _collated,
    exp.Introducer: lambda node: node.expression.copy(),
    exp.Cast: _cast,
    exp.Count: _count,
    exp.Soundex: _unserved,
    exp.MatchAgainst: _unserved,
}
"""What takes the place of a node of this kind. A text in DATE() and its like is a moment before this is asked."""


def _one(template: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    return lambda arguments: _made(template, **dict(zip("abc", arguments, strict=False)))


def _adddate(back: bool) -> Callable[[list[exp.Expr]], exp.Expr]:
    def made(arguments: list[exp.Expr]) -> exp.Expr:
        base, amount = arguments
        if isinstance(amount, exp.Interval):
            return _shift(base, amount.this, amount.text("unit"), back=back)
        return _shift(base, amount, "DAY", back=back)

    return made


def _seconds(arguments: list[exp.Expr]) -> exp.Expr:
    if not arguments:
        return _made("CAST(floor(epoch(now())) AS BIGINT)")
    return _made("CAST(floor(epoch(:a)) AS BIGINT)", a=exp.cast(moment(arguments[0]), "TIMESTAMP"))


def _listed(template: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    return lambda arguments: _made(template, a=arguments[0], l=exp.Array(expressions=arguments[1:]))


NAMES: dict[str, tuple[range, Callable[[list[exp.Expr]], exp.Expr]]] = {
    "ADDDATE": (range(2, 3), _adddate(back=False)),
    "SUBDATE": (range(2, 3), _adddate(back=True)),
    "FIELD": (range(2, 1_000), _listed("coalesce(list_position(:l, :a), 0)")),
    "FIND_IN_SET": (
        range(2, 3),
        _one(
            "CASE WHEN :a IS NOT NULL AND :b IS NOT NULL THEN coalesce(list_position(string_split(:b, ','), :a), 0) END"
        ),
    ),
    "FROM_DAYS": (range(1, 2), _one("CAST(DATE '0001-01-01' + to_days(CAST(:a AS INTEGER) - 366) AS DATE)")),
    "JSON_LENGTH": (range(1, 2), _one("json_array_length(:a)")),
    "JSON_UNQUOTE": (range(1, 2), _one("json_extract_string(:a, '$')")),
    "MAKEDATE": (range(2, 3), _one("CAST(make_date(:a, 1, 1) + to_days(CAST(:b AS INTEGER) - 1) AS DATE)")),
    "MID": (range(2, 4), lambda arguments: exp.func("substring", *arguments)),
    "NOW": (range(2), lambda _: _made(_NOW)),
    "OCTET_LENGTH": (range(1, 2), _one("strlen(:a)")),
    "OCT": (range(1, 2), _one("printf('%o', :a)")),
    "SEC_TO_TIME": (range(1, 2), _one("CAST(TIME '00:00:00' + to_seconds(:a) AS TIME)")),
    "STRCMP": (range(2, 3), _one("CASE WHEN :a < :b THEN -1 WHEN :a > :b THEN 1 WHEN :a = :b THEN 0 END")),
    "SYSDATE": (range(2), lambda _: _made(_NOW)),
    "TIME_TO_SEC": (range(1, 2), _one("CAST(epoch(CAST(:a AS TIME)) AS BIGINT)")),
    "UNIX_TIMESTAMP": (range(2), _seconds),
    "WEEKDAY": (range(1, 2), lambda arguments: _made("(isodow(:a) - 1)", a=moment(arguments[0]))),
    "YEARWEEK": (range(1, 3), _is_iso),
}
"""What takes the place of a function that sqlglot does not know, by its name: how many arguments it has, and what."""
