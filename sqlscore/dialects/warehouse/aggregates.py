"""Rules for aggregates and lists."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.kinds import REAL, WHOLE, is_list
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.warehouse.words import Words


def filtered(words: Words, node: exp.Expr) -> exp.Expr | None:
    """FILTER as a condition on the value, for engines without it: these aggregates leave NULLs out."""
    if not isinstance(node, exp.Filter) or words.filters:
        return None
    aggregate, condition = node.this, node.expression.this
    if isinstance(node.parent, exp.Window):
        raise Refused("filter", "FILTER in a window is not carried over: write CASE WHEN in the aggregate")
    if isinstance(aggregate, exp.Count) and isinstance(aggregate.this, exp.Star):
        return words.said("count_if", "filter", condition=condition)
    plain = isinstance(aggregate, (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)) and not aggregate.expressions
    if not plain or isinstance(aggregate.this, (exp.Distinct, exp.Order)):
        raise Refused("filter", "FILTER is carried over for COUNT, SUM, MIN, MAX and AVG: filter the rows before")
    value: exp.Expr = aggregate.this
    chosen = exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])
    chosen.meta.update({key: kept for key, kept in value.meta.items() if key == "sqlscore_type"})
    new = aggregate.copy()
    new.set("this", chosen)
    # its own rule comes next, since the value has the same type as before
    return exp.Paren(this=new)


def quantile(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Interpolated quantiles of numbers."""
    if isinstance(node, exp.Median):
        value, share = node.this, "0.5"
    elif isinstance(node, exp.PercentileCont) and isinstance(node.args.get("expression"), exp.Literal):
        value, share = node.this, node.expression.name
    elif isinstance(node, (exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile)):
        raise Refused("quantile", "write quantile_cont(x, 0.9) with one number")
    else:
        return None
    if isinstance(node.parent, (exp.Filter, exp.Window)):
        raise Refused("quantile", "with FILTER or OVER it is not carried over: filter or group the rows before")
    if type_of(value) not in WHOLE | REAL:
        raise Refused("quantile", "a quantile is carried over for whole and floating numbers: cast to DOUBLE")
    template = words.templates["quantile"].replace("{share}", share)
    return words.write(template, value=value)


def listed(words: Words, node: exp.Expr) -> exp.Expr | None:
    """LIST with an order, or in a window, keeps NULLs and is NULL of no row."""
    if isinstance(node, exp.First):
        if not isinstance(node.this, exp.Order) or isinstance(node.parent, (exp.Filter, exp.Window)):
            raise Refused("first", "FIRST is carried over with ORDER BY inside, and without FILTER and OVER")
        return words.said("first", "first", rows=node.this)
    if not isinstance(node, exp.ArrayAgg):
        return None
    if isinstance(node.this, exp.Distinct):
        raise Refused("list", "a list of DISTINCT values has no order: group by the value first")
    if not isinstance(node.this, exp.Order) and not isinstance(node.parent, exp.Window):
        raise Refused("list", "a list without ORDER BY has no order: name it")
    if isinstance(node.this, exp.Order) and isinstance(node.parent, exp.Window):
        raise Refused("list", "the order of a list in a window is that of the window: leave the list's own out")
    value = node.this.this if isinstance(node.this, exp.Order) else node.this
    if (type_of(value) or "[]").endswith("]"):
        raise Refused("list", "a list of lists is not carried over: list a text of their elements")
    return words.said("list", "list", rows=node.this)


def element(words: Words, node: exp.Expr) -> exp.Expr | None:
    """`x[n]` counts from 1, from the end if negative, and is NULL out of range."""
    if not isinstance(node, exp.Bracket):
        return None
    if not (type_of(node.this) or "").endswith("]"):
        raise Refused("element", "only lists are indexed: take a part of a text before it is stored")
    (index,) = node.expressions
    number = index.this if isinstance(index, exp.Neg) else index
    if not isinstance(number, exp.Literal) or not number.is_int:
        raise Refused("element", "only a written number is carried over: filter the list by position before")
    position = (-int(number.name) if isinstance(index, exp.Neg) else int(number.name)) + 1
    if position == 0:
        return words.write("NULL")
    template = words.templates.get("element" if position > 0 else "element_from_end")
    if template is None:
        raise Refused("element", f"{words.engine} has no equal lists: take the value by a window")
    return words.write(template.replace("{n}", str(abs(position))), list=node.this)


def functions(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Functions of lists."""
    if isinstance(node, exp.ArrayContains):
        found = words.said("contains", "list", list=node.this, value=node.expression)
        return words.write(
            "CASE WHEN :list IS NULL OR :value IS NULL THEN NULL ELSE COALESCE(:found, FALSE) END",
            list=node.this,
            value=node.expression,
            found=found,
        )
    if isinstance(node, exp.ArraySize) or (isinstance(node, exp.Length) and is_list(node.this)):
        return words.said("size", "list", list=node.this)
    return None


AGGREGATES = (filtered, quantile, listed, element, functions)
