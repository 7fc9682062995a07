"""Rules for what depends on an order: comparisons, sorting, extremes. Texts by their bytes, NaN greatest, NULL last."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.kinds import REAL, WHOLE, is_decimal
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.templates import made
from sqlscore.dialects.warehouse.words import Words

_SIGNS: dict[type[exp.Expr], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}


def comparison(words: Words, node: exp.Expr) -> exp.Expr | None:
    """`=`, `<` and the like."""
    if type(node) not in _SIGNS:
        return None
    a, b = node.this, node.expression
    kinds = {type_of(a), type_of(b)}
    if "INTERVAL" in kinds and "span" not in words.templates:
        raise Refused("interval", "spans are not compared in the same way: compare epoch_us(b) - epoch_us(a)")
    sign = _SIGNS[type(node)]
    if "VARCHAR" in kinds and words.collation and sign not in ("=", "<>"):
        return words.write(f"(:a){words.collation} {sign} (:b)", a=a, b=b)
    if words.nan_is_greatest or not kinds & REAL:
        return node
    return _with_nan(words, sign, a, b)


def _with_nan(words: Words, sign: str, a: exp.Expr, b: exp.Expr) -> exp.Expr | None:
    """A comparison of numbers where NaN is above all others and equals itself, for an engine where it is neither."""
    if sign in ("<", "<="):
        return _with_nan(words, {"<": ">", "<=": ">="}[sign], b, a)
    a_is, b_is = _may_be_nan(a), _may_be_nan(b)
    template = f"(:a) {sign} (:b)"
    if sign == "=" and a_is and b_is:
        template = "((:a) = (:b) OR (IS_NAN(:a) AND IS_NAN(:b)))"
    elif sign == "<>" and a_is and b_is:
        template = "((:a) <> (:b) AND NOT (IS_NAN(:a) AND IS_NAN(:b)))"
    elif sign == ">" and a_is:
        template = "((:a) > (:b) OR (IS_NAN(:a) AND NOT IS_NAN(:b)))" if b_is else "((:a) > (:b) OR IS_NAN(:a))"
    elif sign == ">=" and a_is:
        template = "((:a) >= (:b) OR IS_NAN(:a))"
    return words.write(template, a=a, b=b)


def _may_be_nan(node: exp.Expr) -> bool:
    return type_of(node) in REAL and not isinstance(node.unnest(), exp.Literal)


def between(_: Words, node: exp.Expr) -> exp.Expr | None:
    """BETWEEN as two comparisons, which have rules of their own."""
    if not isinstance(node, exp.Between):
        return None
    low, high = node.args["low"], node.args["high"]
    both = exp.And(
        this=exp.GTE(this=node.this.copy(), expression=low.copy()),
        expression=exp.LTE(this=node.this.copy(), expression=high.copy()),
    )
    return exp.paren(both, copy=False)


def order(words: Words, node: exp.Expr) -> exp.Expr | None:
    """ORDER BY with NULLs where DuckDB has them, whatever the engine's default."""
    if not isinstance(node, exp.Order) or any(made(key) for key in node.expressions):
        return None
    keys: list[exp.Expr] = []
    for key in node.expressions:
        value, down = key.this, bool(key.args.get("desc"))
        first = bool(key.args.get("nulls_first"))
        kind = type_of(value)
        if kind is not None and ("STRUCT" in kind or kind.endswith("]")):
            raise Refused("order", f"{kind.split('(')[0]} has another order in {words.engine}: sort by its fields")
        if words.name == "postgres":
            template = f"(:value){words.collation}" if kind == "VARCHAR" else ":value"
            keys.append(_key(words.write(template, value=value), down, first))
            continue
        keys.append(_key(words.write("(:value) IS NULL", value=value), first, not first))
        if kind in REAL and not words.nan_is_greatest:
            keys.append(_key(words.write("IS_NAN(:value)", value=value), down, not down))
        # NULLs are apart already: what sqlglot takes for the default keeps it from writing more
        keys.append(_key(value.copy(), down, down if words.name == "snowflake" else not down))
    node.set("expressions", keys)
    return node


def _key(value: exp.Expr, down: bool, nulls_first: bool) -> exp.Ordered:
    key = exp.Ordered(this=value, desc=down, nulls_first=nulls_first)
    key.meta["sqlscore_made"] = True
    return key


def least_in_window(words: Words, node: exp.Expr) -> exp.Expr | None:
    """MIN over a window of floats, where NaN would be the least."""
    if not isinstance(node, exp.Window) or not isinstance(node.this, exp.Min) or made(node.this):
        return None
    if words.nan_is_greatest or type_of(node.this.this) not in REAL:
        return None
    numbers, every = node.copy(), node.copy()
    numbers.set("this", words.write("MIN(IF(IS_NAN(:value), NULL, :value))", value=node.this.this))
    every.set("this", exp.Max(this=node.this.this.copy()))
    return words.write("COALESCE(:numbers, :every)", numbers=numbers, every=every)


def extremes(words: Words, node: exp.Expr) -> exp.Expr | None:
    """MIN and MAX of rows."""
    if not isinstance(node, (exp.Min, exp.Max)) or node.expressions:
        return None
    kind = type_of(node.this)
    name = node.sql_name()
    if kind == "VARCHAR" and words.collation:
        return words.write(f"{name}((:value){words.collation})", value=node.this)
    if kind in REAL and not words.nan_is_greatest and name == "MIN":
        least = "COALESCE(MIN(IF(IS_NAN(:value), NULL, :value)), MAX(:value))"
        return words.write(least, value=node.this)
    if kind is None or kind in WHOLE | REAL | {"VARCHAR", "DATE", "TIMESTAMP"} or is_decimal(kind):
        return node
    raise Refused("extreme", f"{name} of {kind} may have another order in {words.engine}: take that of its parts")


def greatest(words: Words, node: exp.Expr) -> exp.Expr | None:
    """GREATEST and LEAST leave NULLs out."""
    if not isinstance(node, (exp.Greatest, exp.Least)):
        return None
    values = [node.this, *node.expressions]
    if words.collation and any(type_of(value) == "VARCHAR" for value in values):
        raise Refused("greatest", f"texts have another order in {words.engine}: write CASE WHEN a > b")
    name = "greatest" if isinstance(node, exp.Greatest) else "least"
    found: exp.Expr = values[0].copy()
    for value in values[1:]:
        real = not words.nan_is_greatest and name == "least" and {type_of(found), type_of(value)} & REAL
        kind = node.meta.get("sqlscore_type")
        found = words.said(f"{name}_real" if real else name, "greatest", a=found, b=value)
        found.meta["sqlscore_type"] = kind
    return found


def extreme_row(words: Words, node: exp.Expr) -> exp.Expr | None:
    """arg_max and arg_min leave out rows in which either value is NULL."""
    if not isinstance(node, (exp.ArgMax, exp.ArgMin)):
        return None
    if node.args.get("count") is not None or isinstance(node.parent, (exp.Filter, exp.Window)):
        raise Refused("arg_max", "with a number, FILTER or OVER it is not carried over: rank the rows in a window")
    if type_of(node.expression) == "VARCHAR" and words.collation:
        raise Refused("arg_max", "by a text it is not carried over: rank the rows in a window")
    if type_of(node.expression) in REAL and not words.nan_is_greatest:
        raise Refused("arg_max", "by a float, which may be NaN, it is not carried over: rank the rows in a window")
    name = "arg_max" if isinstance(node, exp.ArgMax) else "arg_min"
    return words.said(name, "arg_max", value=node.this, by=node.expression)


COMPARISONS = (comparison, between, order, least_in_window, extremes, greatest, extreme_row)
