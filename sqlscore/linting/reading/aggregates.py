"""What an aggregate depends on: rows of a group, up to the time that the group allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.observations import Ordering
from sqlscore.linting.reading.conditions import facts_where
from sqlscore.linting.reading.multiplying import note_multiplied
from sqlscore.linting.reading.scope import Reader, Scope, Source
from sqlscore.linting.values import NOTHING, Moment, Origin, Read, Value, mixed
from sqlscore.linting.zones import NO_FACTS, Fact, Facts, Var

_NAMES = frozenset({
    "first", "last", "any_value", "arbitrary", "list", "array_agg", "string_agg", "group_concat",
    "listagg", "mode", "quantile_cont",
    "quantile_disc", "quantile", "median", "approx_quantile", "histogram", "bool_or", "bool_and", "max_by", "min_by",
    "arg_max", "arg_min", "argmax", "argmin", "arg_max_null", "arg_min_null", "entropy", "kurtosis", "skewness", "mad",
    "product", "favg", "fsum", "kahan_sum", "sumkahan", "regr_slope", "reservoir_quantile", "count_if", "countif",
    "approx_count_distinct", "sum_no_overflow", "geomean", "geometric_mean", "bit_or", "bit_and", "bit_xor", "map_agg",
    "weighted_avg", "count_star", "mean", "var_pop", "var_samp", "stddev", "variance", "sem", "min_n",
    "max_n", "map_from_entries_agg",
})  # fmt: skip
_FIRST = frozenset({"first", "arbitrary"})
_LAST = frozenset({"last", "any_value", "arg_max", "max_by", "argmax", "arg_max_null", "mode_last"})
_LEAST = frozenset({"arg_min", "min_by", "argmin", "arg_min_null"})
_SUMS = frozenset({"sum", "count", "avg", "mean", "fsum", "favg", "median", "stddev", "quantile_cont"})
_ALL_ALIKE = frozenset({"list", "array_agg"})


@dataclass(frozen=True)
class Parts:
    """An aggregate taken apart: its name, arguments, the order inside it, its filter."""

    name: str
    arguments: tuple[exp.Expr, ...]
    order: tuple[exp.Ordered, ...]
    where: exp.Expr | None
    distinct: bool


def is_aggregate(reader: Reader, node: exp.Expr) -> bool:
    """Whether a node is a call of an aggregate function, with what stands around it."""
    if isinstance(node, (exp.Filter, exp.WithinGroup)):
        return True
    if isinstance(node, (exp.IgnoreNulls, exp.RespectNulls)):
        return is_aggregate(reader, node.this)
    if isinstance(node, exp.AggFunc):
        return not isinstance(
            node, (exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Ntile)
        )
    return isinstance(node, exp.Anonymous) and node.name.casefold() in _NAMES


def function_name(node: exp.Expr) -> str:
    """The name of a function in lower case, "" of anything else."""
    if isinstance(node, exp.Anonymous):
        return str(node.name).casefold()
    return node.sql_name().casefold() if isinstance(node, exp.Func) else ""


def parts_of(node: exp.Expr) -> Parts:
    """An aggregate taken apart."""
    where: exp.Expr | None = None
    order: list[exp.Ordered] = []
    while isinstance(node, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
        if isinstance(node, exp.Filter):
            where = node.expression.this
        elif isinstance(node, exp.WithinGroup):
            order += list(node.expression.expressions)
        node = node.this
    name = function_name(node)
    names = {
        "arrayagg": "list", "argmax": "arg_max", "argmin": "arg_min", "anyvalue": "any_value", "countif": "count",
        "approxdistinct": "count",
    }  # fmt: skip
    name = names.get(name.casefold().replace("_", ""), name.casefold())
    given: list[exp.Expr] = []
    distinct = False
    for given_to in node.iter_expressions():
        argument: exp.Expr | None = given_to
        while isinstance(argument, (exp.Order, exp.Distinct, exp.IgnoreNulls)):
            if isinstance(argument, exp.Order):
                order += [one for one in argument.expressions if isinstance(one, exp.Ordered)]
                argument = argument.this
            elif isinstance(argument, exp.Distinct):
                distinct = True
                given += argument.expressions[1:]
                argument = next(iter(argument.expressions), None)
            else:
                argument = argument.this
            if argument is None:
                break
        if isinstance(argument, exp.Expr) and not isinstance(argument, exp.Ordered):
            given.append(argument)
    return Parts(name, tuple(given), tuple(order), where, distinct)


def aggregate(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    """What an aggregate over the rows of a group depends on."""
    parts = parts_of(node)

    def evaluate(inner: exp.Expr) -> Value:
        return reader.value(scope, inner)

    facts = facts_where(parts.where, evaluate) if parts.where is not None else NO_FACTS
    values = [evaluate(one) for one in parts.arguments if not isinstance(one, exp.Star)]
    if not values or isinstance(parts.arguments[0], exp.Star):
        values = [Value(scope.row_reads())]
    asked = evaluate(parts.where) if parts.where is not None else NOTHING
    _note_multiplied(reader, scope, node, parts)
    ordered = [(evaluate(one.this), bool(one.args.get("desc"))) for one in parts.order]
    found = _over_time(reader, scope, node, parts, values, ordered, facts)
    found = replace(found, reads=found.reads | asked.reads).where(facts)
    takes_last = parts.name in _LAST or (parts.name in _FIRST and not (ordered and not ordered[0][1]))
    return _as_group(scope, node, takes_last, found)


def _over_time(
    reader: Reader, scope: Scope, node: exp.Expr, parts: Parts, values: list[Value],
    ordered: list[tuple[Value, bool]], facts: Facts,
) -> Value:  # fmt: skip
    """The value before its origin is noted: extremes of time are moments of their own."""
    name, first = parts.name, values[0]
    others = mixed(values + [value for value, _ in ordered])
    if name in ("min", "max") and len(values) == 1 and first.moment is not None:
        return _extreme(reader, scope, first, name == "min", facts)
    by = values[1] if name in _LEAST | _LAST and len(values) > 1 else ordered[0][0] if ordered else None
    backward = (name in _LAST and name != "any_value") != bool(ordered and ordered[0][1] and len(values) == 1)
    if name in _LEAST:
        backward = False
    if name in _FIRST | _LAST and by is not None:
        _note_order(reader, scope, node, name, [by])
    if by is not None and by.moment is not None and not backward and name in _LEAST | _LAST | _FIRST:
        least = _extreme(reader, scope, by, True, facts)
        inner = {by.moment.var: least.moment.var} if least.moment is not None else {}
        return first.renamed(inner) if inner else first
    if name in _ALL_ALIKE:
        return Value(others.reads, tags=others.tags, row=first.row)
    tags = (
        frozenset({"boolean"})
        if name in ("bool_or", "bool_and", "max", "min", "logical_or") and "boolean" in first.tags
        else frozenset()
    )
    if name in ("max", "min", "any_value", "first", "last"):
        tags |= first.tags & {"user", "label"}
    return Value(others.reads, tags=others.tags | tags, row=first.row if name in _LAST | _FIRST else None)


def _extreme(reader: Reader, scope: Scope, value: Value, least: bool, facts: Facts) -> Value:
    """The least or greatest of moments: a moment that keeps to the bounds of all, and bounds them."""
    if value.moment is None:
        return value
    moment, var = value.moment, value.moment.var
    grouped = scope.grouping is not None and bool(scope.grouping.keys)
    table = next((name for name, time in scope.tables if time == var.roots()), None)
    bounded = any(fact.left.roots() == var.roots() and fact.right.kind != "newest" for fact in scope.facts)
    whole = scope.whole is not None and not facts and table is not None and not bounded
    if not least and whole and not grouped:
        newest = Var("newest", table or "")
        return Value(
            frozenset({Read(newest, Origin("whole", None, table or ""))}), Moment(newest, moment.low, moment.high)
        )
    keys = scope.grouping.keys if scope.grouping is not None else ()
    if var.is_fixed or any(key.moment is not None and key.moment.var == var for key in keys):
        return value  # the same in all rows of the group
    root = var.roots()
    own = reader.fresh(root.name.partition(":")[2])
    names = {root: own}
    scope.facts |= frozenset(
        fact.renamed(names) for fact in scope.facts | facts if root in (fact.left.roots(), fact.right.roots())
    )
    found = moment.renamed(names)
    if not facts:
        scope.facts |= {Fact(own, root, 0.0) if least else Fact(root, own, 0.0)}
    bases = tuple(key.base for key in keys if key.base is not None)
    if whole and grouped and table is not None:
        entry = (own, table, bases)
        scope.first, scope.last = (scope.first + ((entry,) if least else ()), scope.last + (() if least else (entry,)))
    elif least:
        scope.first += ((own, "", ()),)
    if least:
        kept = frozenset(read.renamed(names) if read.var.roots() == root else read for read in value.reads)
        return Value(kept, found)
    return Value(value.reads, found)


def _as_group(scope: Scope, node: exp.Expr, takes_last: bool, value: Value) -> Value:
    """Note that a group was read, and how."""
    kind = None
    if takes_last:
        kind = "last"
    elif scope.grouping is None or not scope.grouping.has_moment:
        kind = "group" if scope.grouping is not None and scope.grouping.by_user else "whole"
    if kind is None:
        return value
    kinds = ("scan", "join", "subquery", "group")
    reads = frozenset(
        Read(read.var, Origin(kind, node, read.origin.what), read.facts)
        if read.origin.kind in kinds and not read.var.is_fixed
        else read.taken("last", node) if takes_last and read.origin.kind == "current"
        else read
        for read in value.reads
    )  # fmt: skip
    return replace(value, reads=reads)


def _note_multiplied(reader: Reader, scope: Scope, node: exp.Expr, parts: Parts) -> None:
    if parts.name in _SUMS and not parts.distinct and parts.arguments and scope.grouping is not None:
        note_multiplied(reader, scope, node, parts.arguments[0])


def _note_order(reader: Reader, scope: Scope, node: exp.Expr, what: str, values: list[Value]) -> None:
    note_ordering(reader, scope, node, what, values, ())


def note_ordering(
    reader: Reader, scope: Scope, node: exp.Expr, what: str, order: list[Value], partition: tuple[Value, ...]
) -> None:
    """Note that rows were put in an order in which each has to have its place."""
    if not order:
        return
    first = order[0]
    rows = scope.rows if scope.grouping is not None else scope.grain
    timed = first.moment is not None and first.moment.var.roots() in {moment.var.roots() for moment in rows}
    coarse = timed and first.moment is not None and (first.moment.var.kind == "trunc")
    values = (*order, *partition)
    settled = len(order) > 1 and any(value.moment is None for value in order[1:])
    settled = settled or any(_tell_apart(source, values) for source in scope.sources)
    settled = settled or any(
        value.base is not None and words.is_id(value.base[1]) and "user" not in value.tags for value in partition
    )
    if len({table for table, _ in scope.tables}) == 1 and len(scope.sources) == 1:
        by = tuple(value.base for value in values if value.base is not None)
        tables = tuple(name for name, _ in scope.tables)
        reader.seen.orderings.append(Ordering(node, what, tables, by, coarse, timed, settled))


def _tell_apart(source: Source, values: tuple[Value, ...]) -> bool:
    """Whether no two rows of an entry agree in all of these columns."""
    columns = source.relation.columns
    named = {name for name, value in columns.items() if any(value is one for one in values)}
    return any(key and key <= named for key in source.relation.keys)
