"""MySQL's functions that DuckDB has under another name, with another meaning, or not at all.

Compared with a server of MariaDB 10.11: tests/mysql/expressions.tsv. Those of time are in `moments`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sqlscore.mysql.moments import (
    NOW,
    added,
    between,
    days_added,
    days_apart,
    epoch_seconds,
    extracted,
    formatted,
    from_seconds,
    moment,
    of_moment,
    read_moment,
    shifted,
    week,
    year_week,
)
from sqlscore.mysql.refusals import NOT_SUPPORTED, Refusal
from sqlscore.mysql.templates import bracketed, from_template


def _logarithm(node: exp.Expr) -> exp.Expr:
    if node.args.get("expression") is None:
        return from_template("ln(:a)", a=node.this)
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
    return exp.Collate(this=bracketed(node.this.copy()), expression=exp.Var(this=collation))


def _cast(node: exp.Expr) -> exp.Expr:
    if node.args["to"].this == exp.DType.CHARACTER_SET:
        return exp.cast(node.this.copy(), "VARCHAR")
    return node


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


def _unserved(node: exp.Expr) -> exp.Expr:
    raise Refusal(NOT_SUPPORTED, f"{node.key.upper()} is not served: DuckDB has nothing like it")


KINDS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Add: lambda node: added(node, back=False),
    exp.Sub: lambda node: added(node, back=True),
    exp.DateAdd: lambda node: shifted(node, back=False),
    exp.DateSub: lambda node: shifted(node, back=True),
    exp.TimestampAdd: lambda node: shifted(node, back=False),
    exp.TimestampDiff: between,
    exp.DateDiff: days_apart,
    exp.TimeToStr: formatted,
    exp.StrToDate: read_moment,
    exp.UnixToTime: from_seconds,
    exp.Week: week,
    exp.DayOfWeek: of_moment("(dayofweek(:a) + 1)"),
    exp.Dayname: of_moment("dayname(:a)"),
    exp.LastDay: of_moment("last_day(:a)"),
    exp.Hour: of_moment("hour(:a)"),
    exp.Minute: of_moment("minute(:a)"),
    exp.Second: of_moment("second(:a)"),
    exp.Quarter: of_moment("quarter(:a)"),
    exp.Extract: extracted,
    exp.Timestamp: lambda node: exp.cast(node.this.copy(), "TIMESTAMP"),
    exp.CurrentTimestamp: lambda _: from_template(NOW),
    exp.UtcTimestamp: lambda _: from_template(NOW),
    exp.Localtime: lambda _: from_template(NOW),
    exp.Localtimestamp: lambda _: from_template(NOW),
    exp.CurrentTime: lambda _: from_template(f"CAST({NOW} AS TIME)"),
    exp.UtcTime: lambda _: from_template(f"CAST({NOW} AS TIME)"),
    exp.CurrentDate: lambda _: from_template("CAST(now() AS DATE)"),
    exp.UtcDate: lambda _: from_template("CAST(now() AS DATE)"),
    exp.Length: lambda node: exp.func("strlen" if node.args.get("binary") else "length", node.this.copy()),
    exp.SubstringIndex: lambda node: from_template(
        "array_to_string(CASE WHEN :n > 0 THEN list_slice(string_split(:s, :d), 1, :n) "
        "WHEN :n < 0 THEN list_slice(string_split(:s, :d), :n, len(string_split(:s, :d))) ELSE [] END, :d)",
        s=node.this,
        d=node.args["delimiter"],
        n=node.args["count"],
    ),
    exp.Elt: lambda node: from_template("list_extract(:l, :n)", l=exp.Array(expressions=node.expressions), n=node.this),
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
    return lambda arguments: from_template(template, **dict(zip("abc", arguments, strict=False)))


def _listed(template: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    return lambda arguments: from_template(template, a=arguments[0], l=exp.Array(expressions=arguments[1:]))


NAMES: dict[str, tuple[range, Callable[[list[exp.Expr]], exp.Expr]]] = {
    "ADDDATE": (range(2, 3), days_added(back=False)),
    "SUBDATE": (range(2, 3), days_added(back=True)),
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
    "NOW": (range(2), lambda _: from_template(NOW)),
    "OCTET_LENGTH": (range(1, 2), _one("strlen(:a)")),
    "OCT": (range(1, 2), _one("printf('%o', :a)")),
    "SEC_TO_TIME": (range(1, 2), _one("CAST(TIME '00:00:00' + to_seconds(:a) AS TIME)")),
    "STRCMP": (range(2, 3), _one("CASE WHEN :a < :b THEN -1 WHEN :a > :b THEN 1 WHEN :a = :b THEN 0 END")),
    "SYSDATE": (range(2), lambda _: from_template(NOW)),
    "TIME_TO_SEC": (range(1, 2), _one("CAST(epoch(CAST(:a AS TIME)) AS BIGINT)")),
    "UNIX_TIMESTAMP": (range(2), epoch_seconds),
    "WEEKDAY": (range(1, 2), lambda arguments: from_template("(isodow(:a) - 1)", a=moment(arguments[0]))),
    "YEARWEEK": (range(1, 3), year_week),
}
"""What takes the place of a function that sqlglot does not know, by its name: how many arguments it has, and what."""
