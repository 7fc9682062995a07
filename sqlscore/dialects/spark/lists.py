"""Rules for lists, structs and aggregates."""

from __future__ import annotations

from functools import partial

from sqlglot import exp

from sqlscore.dialects.kinds import REAL, WHOLE, is_list
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.templates import made, target

spark = partial(target, "spark")


def collected(node: exp.Expr) -> exp.Expr | None:
    """LIST keeps its order and its NULLs, and is NULL of no row; COLLECT_LIST does none of these."""
    if _is_list_of_rows(node):
        window = node.copy()
        window.set("this", spark("COLLECT_LIST(STRUCT(:value AS v))", value=node.this.this))
        return spark("TRANSFORM(:window, s -> s.v)", window=window)
    condition = None
    aggregate = node
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.ArrayAgg):
        aggregate, condition = node.this, node.expression.this
    if not isinstance(aggregate, exp.ArrayAgg):
        return None
    where = " FILTER (WHERE :condition)" if condition is not None else ""
    extra = {"condition": condition} if condition is not None else {}
    value = aggregate.this
    if isinstance(value, exp.Distinct):
        raise Refused("list", "a list of DISTINCT values has no order: group by the value first")
    if not isinstance(value, exp.Order):
        rows = f"COLLECT_LIST(STRUCT(:value AS v)){where}"
        return spark(f"NULLIF(TRANSFORM({rows}, s -> s.v), ARRAY())", value=value, **extra)
    if isinstance(node.parent, exp.Window):
        raise Refused(
            "list", "the order of a list in a window is that of the window: leave the list's own ORDER BY out"
        )
    if any(key.args.get("nulls_first") for key in value.expressions):
        raise Refused("list", "NULLS FIRST in a list is not carried over")
    if any(key.args.get("desc") for key in value.expressions):
        return _descending(value, where, extra)
    keys = {f"k{i}": key.this for i, key in enumerate(value.expressions)}
    fields = ", ".join(f":{name} IS NULL AS n_{name}, :{name} AS {name}" for name in keys)
    rows = f"ARRAY_SORT(COLLECT_LIST(STRUCT({fields}, :value AS v)){where})"
    return spark(f"NULLIF(TRANSFORM({rows}, s -> s.v), ARRAY())", value=value.this, **keys, **extra)


def first(node: exp.Expr) -> exp.Expr | None:
    """FIRST with an order is the first of a sorted list, a NULL as well; without one it is any row's value."""
    if not isinstance(node, exp.First):
        return None
    if not isinstance(node.this, exp.Order) or isinstance(node.parent, exp.Window):
        raise Refused("first", "FIRST without ORDER BY is any row's value: name its order, or write MIN")
    if isinstance(node.parent, exp.Filter):
        raise Refused("first", "with FILTER it is not carried over: filter the rows before")
    rows = collected(exp.ArrayAgg(this=node.this.copy()))
    return spark("TRY_ELEMENT_AT(:rows, 1)", rows=rows) if rows is not None else None


def _is_list_of_rows(node: exp.Expr) -> bool:
    """Whether the node is a window over an unordered list, which is in the order of the window."""
    if not isinstance(node, exp.Window) or not isinstance(node.this, exp.ArrayAgg) or made(node.this):
        return False
    return not isinstance(node.this.this, (exp.Order, exp.Distinct))


def _descending(order: exp.Order, where: str, extra: dict[str, exp.Expr]) -> exp.Expr:
    """A list in an order that goes down in some keys, by a comparison of two rows."""
    comparison = "0"
    for i, key in reversed(list(enumerate(order.expressions))):
        less, more = ("1", "-1") if key.args.get("desc") else ("-1", "1")
        comparison = (
            f"CASE WHEN l.k{i} IS NULL AND r.k{i} IS NULL THEN {comparison} WHEN l.k{i} IS NULL THEN 1 "
            f"WHEN r.k{i} IS NULL THEN -1 WHEN l.k{i} < r.k{i} THEN {less} WHEN l.k{i} > r.k{i} THEN {more} "
            f"ELSE {comparison} END"
        )
    keys = {f"k{i}": key.this for i, key in enumerate(order.expressions)}
    fields = ", ".join(f":{name} AS {name}" for name in keys)
    rows = f"ARRAY_SORT(COLLECT_LIST(STRUCT({fields}, :value AS v)){where}, (l, r) -> {comparison})"
    return spark(f"NULLIF(TRANSFORM({rows}, s -> s.v), ARRAY())", value=order.this, **keys, **extra)


def element(node: exp.Expr) -> exp.Expr | None:
    """`x[n]` counts from 1, from the end if negative, and is NULL out of range."""
    if not isinstance(node, exp.Bracket):
        return None
    if not (type_of(node.this) or "").endswith("]"):
        raise Refused("element", "only lists are indexed: take a field of a struct by its name")
    (index,) = node.expressions
    if isinstance(index, exp.Slice):
        raise Refused("element", "slices are not carried over: filter the list by position before it is collected")
    number = index.this if isinstance(index, exp.Neg) else index
    if isinstance(number, exp.Literal):  # sqlglot counts from 0, and does so from the end too
        position = (-int(number.name) if isinstance(index, exp.Neg) else int(number.name)) + 1
        return spark(f"TRY_ELEMENT_AT(:list, {position})", list=node.this) if position else spark("NULL")
    if type_of(index) not in WHOLE:
        raise Refused("element", "the position must be a whole number")
    return spark("TRY_ELEMENT_AT(:list, CAST(NULLIF(:position, 0) AS INT))", list=node.this, position=index)


def functions(node: exp.Expr) -> exp.Expr | None:
    """Functions of lists."""
    if isinstance(node, exp.ArrayContains):
        found = "COALESCE(ARRAY_CONTAINS(:list, :value), FALSE)"
        return spark(
            f"CASE WHEN :list IS NULL OR :value IS NULL THEN NULL ELSE {found} END",
            list=node.this,
            value=node.expression,
        )
    if isinstance(node, exp.Anonymous) and node.name.upper() in ("LIST_POSITION", "ARRAY_POSITION"):
        values, value = node.expressions
        return spark("CAST(NULLIF(ARRAY_POSITION(:list, :value), 0) AS INT)", list=values, value=value)
    if isinstance(node, exp.Transform) and isinstance(node.expression, exp.Lambda):
        return _fields(node)
    if isinstance(node, exp.ArraySize) or (isinstance(node, exp.Length) and is_list(node.this)):
        return spark("CAST(CARDINALITY(:list) AS BIGINT)", list=node.this)
    if isinstance(node, (exp.Explode, exp.Unnest)) and isinstance(node.parent, (exp.Alias, exp.Select)):
        return _counted(node)
    if isinstance(node, exp.Dot) and isinstance(node.this, (exp.Column, exp.Dot, exp.Paren)):
        return node
    return None


def _fields(node: exp.Transform) -> exp.Expr:
    """`list_transform(l, lambda a: a.field)`; the types inside other lambdas are not known."""
    parameters, body = node.expression.expressions, node.expression.this
    names = [one.name for one in body.find_all(exp.Identifier)] if isinstance(body, (exp.Dot, exp.Column)) else []
    if len(parameters) != 1 or len(names) != 2 or sorted(names)[0] == sorted(names)[1]:
        raise Refused("lambda", "only `lambda x: x.field` is carried over: unnest the list and select from it")
    field = exp.to_identifier(next(name for name in names if name != parameters[0].name), quoted=True).sql("spark")
    return spark(f"TRANSFORM(:list, x -> x.{field})", list=node.this)


def _counted(node: exp.Expr) -> exp.Expr:
    """`UNNEST(RANGE(n))` in a SELECT."""
    values = node.this if isinstance(node, exp.Explode) else node.expressions[0]
    if not isinstance(values, exp.GenerateSeries) or values.args.get("step") is not None:
        raise Refused("unnest", "UNNEST is carried over for RANGE(n) alone: join the elements as a table")
    start, end = values.args["start"], values.args["end"]
    numbers = "SEQUENCE(CAST(:start AS BIGINT), CAST((:end) - 1 AS BIGINT))"
    none = "CAST(ARRAY() AS ARRAY<BIGINT>)"
    return spark(f"EXPLODE(CASE WHEN (:end) > (:start) THEN {numbers} ELSE {none} END)", start=start, end=end)


def quantile(node: exp.Expr) -> exp.Expr | None:
    """Interpolated quantiles; sqlglot would write an approximation."""
    if isinstance(node, exp.Median):
        value, share = node.this, "0.5"
    elif isinstance(node, exp.PercentileCont) and isinstance(node.args.get("expression"), exp.Literal):
        value, share = node.this, node.expression.name
    elif isinstance(node, (exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile)):
        raise Refused("quantile", "write quantile_cont(x, 0.9) with one number")
    else:
        return None
    if type_of(value) not in WHOLE | REAL:
        raise Refused("quantile", "a quantile is carried over for whole and floating numbers: cast to DOUBLE")
    return spark(f"PERCENTILE(:value, {share})", value=value)


def extreme(node: exp.Expr) -> exp.Expr | None:
    """arg_max leaves out rows whose value is NULL, which Spark's MAX_BY takes."""
    if not isinstance(node, (exp.ArgMax, exp.ArgMin)):
        return None
    if node.args.get("count") is not None:
        raise Refused("arg_max", "with a number of values it is not carried over: rank the rows in a window")
    if isinstance(node.parent, exp.Filter):
        raise Refused("arg_max", "with FILTER it is not carried over: write CASE WHEN in its second argument")
    name = "MAX_BY" if isinstance(node, exp.ArgMax) else "MIN_BY"
    return spark(f"{name}(:value, :by) FILTER (WHERE :value IS NOT NULL)", value=node.this, by=node.expression)


LISTS = (collected, first, element, functions, quantile, extreme)
