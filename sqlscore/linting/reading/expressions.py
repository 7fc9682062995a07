"""What a value depends on, from the columns, functions and queries that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sqlscore.linting.reading import moments
from sqlscore.linting.reading.aggregates import aggregate, is_aggregate
from sqlscore.linting.reading.calendar import time_of, wall_clock_at
from sqlscore.linting.reading.choices import case, compared, if_
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.scores import scored, scoring
from sqlscore.linting.reading.subqueries import is_in, scalar
from sqlscore.linting.reading.windows import window
from sqlscore.linting.values import NOTHING, Value, mixed

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLOCKS = frozenset({
    "now", "current_date", "current_timestamp", "today", "get_current_timestamp", "get_current_time", "localtimestamp",
    "localtime", "transaction_timestamp", "current_localtimestamp", "current_localtime", "current_time", "getdate",
    "statement_timestamp", "clock_timestamp", "sysdate", "curdate", "current_datetime", "utc_timestamp",
})  # fmt: skip
_RANDOM = frozenset({"random", "rand", "uuid", "gen_random_uuid", "setseed"})
_HASHES = frozenset(
    {"hash", "md5", "md5_number", "md5_number_lower", "sha256", "sha1", "farm_fingerprint", "xxh64", "murmurhash3_32"}
)


def value_of(reader: Reader, scope: Scope, node: exp.Expr | None) -> Value:
    """What an expression depends on.

    Args:
        reader: Knows the file, and notes what it sees.
        scope: What the expression sees.
        node: The expression.
    """
    if node is None:
        return NOTHING
    for kinds, read in _KINDS:
        if isinstance(node, kinds):
            return read(reader, scope, node)
    called = scoring(reader, node)
    if called is not None:
        return scored(reader, scope, node, called)
    if is_aggregate(reader, node):
        return aggregate(reader, scope, node)
    found = time_of(reader, scope, node)
    return found if found is not None else _function(reader, scope, node)


def values_of(reader: Reader, scope: Scope, nodes: Iterable[object]) -> list[Value]:
    """What each expression depends on."""
    return [value_of(reader, scope, node) for node in nodes if isinstance(node, exp.Expr)]


def _literal(_: Reader, __: Scope, node: exp.Expr) -> Value:
    if not node.is_string:
        try:
            return Value(number=float(node.name))
        except ValueError:
            return NOTHING
    return Value(moment=moments.literal_moment(node.name)) if node.name[:1].isdigit() else NOTHING


def _column(_: Reader, scope: Scope, node: exp.Expr) -> Value:
    if isinstance(node.this, exp.Star):
        table = node.text("table").casefold()
        return mixed(scope.row_of(source) for source in scope.sources if table in ("", source.alias))
    name, table = node.name.casefold(), node.text("table").casefold()
    found = scope.column(name, table)
    if found is not None:
        return found
    if not table and name in _CLOCKS:
        return wall_clock_at(node)
    return NOTHING


def _function(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    name = (
        node.name.casefold()
        if isinstance(node, exp.Anonymous)
        else node.sql_name().casefold()
        if isinstance(node, exp.Func)
        else ""
    )
    values = values_of(reader, scope, node.iter_expressions())
    if isinstance(node, (exp.Bracket, exp.Dot)):
        return _part(reader, scope, node, values)
    if isinstance(node, exp.Struct):
        fields = tuple(
            (one.name.casefold(), value_of(reader, scope, one.expression if isinstance(one, exp.PropertyEQ) else one))
            for one in node.expressions
        )
        whole = mixed(value for _, value in fields)
        return Value(whole.reads, tags=whole.tags, row=fields)
    if isinstance(node, exp.Trunc) and values and values[0].number is not None:  # as views write the days of INTERVAL
        return Value(number=float(int(values[0].number)))
    if name in _RANDOM or isinstance(node, exp.Rand):
        return mixed(values, "random")
    if name in _HASHES or isinstance(node, (exp.MD5, exp.SHA, exp.SHA2)):
        return mixed(values, "hash")
    if isinstance(node, (exp.Round, exp.Floor, exp.Ceil)) and values and values[0].order is not None:
        return Value(values[0].reads, order=values[0].order)
    if isinstance(node, exp.Upper | exp.Lower | exp.Trim) and values:
        return Value(values[0].reads, tags=values[0].tags)
    return mixed(values)


def _part(reader: Reader, scope: Scope, node: exp.Expr, values: list[Value]) -> Value:
    if isinstance(node, exp.Dot):
        inner = value_of(reader, scope, node.this)
        if isinstance(node.expression, (exp.Identifier, exp.Literal)):
            return Scope.field(inner, node.expression.name.casefold())
        return mixed([inner, value_of(reader, scope, node.expression)])
    return mixed(values)


def _inner(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    return value_of(reader, scope, node.this)


_PREDICATES = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.Not, exp.And, exp.Or, exp.Between, exp.In, exp.Like,
    exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Exists, exp.RegexpLike, exp.Boolean,
)  # fmt: skip
_KINDS: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[Reader, Scope, Any], Value]], ...] = (
    ((exp.Paren, exp.Alias, exp.Collate), _inner),
    ((exp.Literal,), _literal),
    ((exp.Column,), _column),
    ((exp.Subquery, exp.Select, exp.SetOperation), scalar),
    ((exp.Exists, exp.In), is_in),
    ((exp.Window,), window),
    ((exp.Case,), case),
    ((exp.If,), if_),
    (_PREDICATES, compared),
)
"""What reads each kind of expression; aggregates, moments and other functions come after these."""
