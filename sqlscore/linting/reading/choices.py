"""Conditions, and values that conditions choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sqlscore.linting.reading.conditions import facts_where
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.values import NOTHING, Value, mixed

if TYPE_CHECKING:
    pass


def compared(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    """A truth value. Where the newest row or a constant moment is compared with, that is no reading of the future."""
    values = reader.values(scope, node.iter_expressions())
    found = mixed(values, "boolean")
    own = {moment.var for moment in scope.grain}
    least = {var for var, _, _ in scope.first}
    if isinstance(node, (exp.LT, exp.LTE, exp.GT, exp.GTE)) and len(values) == 2:
        one, other = (value.moment for value in values)
        if one is not None and other is not None and {one.var, other.var} & least and {one.var, other.var} & own:
            # Whether a row comes after the first row of its group is known by then.
            kept = frozenset(read for read in found.reads if read.var not in least)
            found = Value(kept, tags=found.tags)
    reads = frozenset(read for read in found.reads if not read.var.is_fixed)
    tests = isinstance(node, (exp.Not, exp.And, exp.Or)) and all("null_test" in value.tags for value in values)
    if isinstance(node, exp.Is) or tests:
        return Value(reads, tags=found.tags | {"null_test"})
    return Value(reads, tags=found.tags)


def if_(reader: Reader, scope: Scope, node: exp.If) -> Value:
    """What if(...) may be."""
    return _branches(reader, scope, [(node.this, node.args.get("true"))], node.args.get("false"))


def case(reader: Reader, scope: Scope, node: exp.Case) -> Value:
    """What CASE may be."""
    subject = node.args.get("this")
    pairs = [
        (
            branch.this if subject is None else exp.EQ(this=subject.copy(), expression=branch.this.copy()),
            branch.args["true"],
        )
        for branch in node.args["ifs"]
    ]
    return _branches(reader, scope, pairs, node.args.get("default"))


def _branches(
    reader: Reader, scope: Scope, pairs: list[tuple[exp.Expr, exp.Expr | None]], default: exp.Expr | None
) -> Value:
    """A value that conditions choose: what a branch reads is read where its condition holds."""

    def evaluate(inner: exp.Expr) -> Value:
        return reader.value(scope, inner)

    neutral = (
        default is None or isinstance(default, exp.Null) or (isinstance(default, exp.Literal) and default.name == "0")
    )
    neutral = neutral or (isinstance(default, exp.Boolean) and not default.this)
    found: list[Value] = []
    constant = True
    for condition, result in pairs:
        facts = facts_where(condition, evaluate)
        chosen = evaluate(result) if result is not None else NOTHING
        asked = evaluate(condition)
        constant = constant and isinstance(result, (exp.Literal, exp.Boolean, exp.Null))
        if neutral and len(pairs) == 1:
            asked = asked.where(facts)
        found += [chosen.where(facts), asked]
    other = reader.value(scope, default)
    if default is not None and not neutral:
        found.append(other)
    is_flag = constant and (default is None or isinstance(default, (exp.Literal, exp.Boolean, exp.Null)))
    known = mixed(found, *(("boolean",) if is_flag else ()))
    carried = frozenset().union(*(value.tags & {"null_test"} for value in found))
    only = [evaluate(branch) for _, branch in pairs if branch is not None and not isinstance(branch, exp.Null)]
    moment = only[0].moment if len(only) == 1 and (default is None or isinstance(default, exp.Null)) else None
    return Value(known.reads, moment, tags=known.tags | carried)
