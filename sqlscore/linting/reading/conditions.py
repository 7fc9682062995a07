"""What follows for moments where a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from sqlscore.linting.values import Moment, Value, at_most, equal
from sqlscore.linting.zones import NO_FACTS, Fact, Facts, weaker

Evaluate = Callable[[exp.Expr], Value]

_SWAPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
    exp.NullSafeEQ: exp.EQ,
}
_OPPOSITE: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.GTE, exp.LTE: exp.GT, exp.GT: exp.LTE, exp.GTE: exp.LT}


def parts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that AND joins."""
    if node is None:
        return
    if isinstance(node, (exp.Paren, exp.Where, exp.Having, exp.Qualify)):
        yield from parts(node.this)
    elif isinstance(node, exp.And):
        yield from parts(node.left)
        yield from parts(node.right)
    else:
        yield node


def facts_where(node: exp.Expr | None, evaluate: Evaluate, truth: bool = True) -> Facts:
    """What holds of moments where a condition is true, or false.

    Args:
        node: The condition.
        evaluate: Gives the value of an expression in it.
        truth: Whether the condition holds.
    """
    if isinstance(node, (exp.Paren, exp.Where, exp.Having, exp.Qualify, exp.Cast)):
        return facts_where(node.this, evaluate, truth)
    if isinstance(node, exp.Not):
        return facts_where(node.this, evaluate, not truth)
    if isinstance(node, (exp.And, exp.Or)):
        return _of_both(node, evaluate, truth)
    if isinstance(node, exp.Between):
        return _of_between(node, evaluate) if truth else NO_FACTS
    if isinstance(node, exp.Coalesce) and len(node.expressions) == 1:  # coalesce(condition, constant)
        return facts_where(node.this, evaluate, truth)
    if isinstance(node, exp.Case) and truth:
        return _of_case(node, evaluate)
    kind = next((kind for kind in _SWAPPED if isinstance(node, kind)), None)
    if kind is None or node is None:
        return NO_FACTS
    known: type[exp.Expr] | None = kind if truth else _OPPOSITE.get(kind)
    return _compared(known, node.this, node.expression, evaluate) if known is not None else NO_FACTS


def _of_both(node: exp.Expr, evaluate: Evaluate, truth: bool) -> Facts:
    left, right = node.this, node.expression
    one, other = (facts_where(side, evaluate, truth) for side in (left, right))
    if isinstance(node, exp.And) == truth:
        return one | other
    if truth:
        for side, rest in ((left, other), (right, one)):
            if _is_absence(side):  # a moment that is missing is not read
                return rest
    return weaker(one, other)


def _of_between(node: exp.Between, evaluate: Evaluate) -> Facts:
    low = _compared(exp.GTE, node.this, node.args["low"], evaluate)
    return low | _compared(exp.LTE, node.this, node.args["high"], evaluate)


def _is_absence(node: exp.Expr) -> bool:
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Is) and isinstance(node.expression, exp.Null)


def _of_case(node: exp.Case, evaluate: Evaluate) -> Facts:
    """CASE WHEN a THEN TRUE ... ELSE FALSE END as a condition."""
    branches = node.args["ifs"]
    default = node.args.get("default")
    if node.args.get("this") is None and len(branches) == 1 and (default is None or _is_false(default)):
        return facts_where(branches[0].this, evaluate) | facts_where(branches[0].args["true"], evaluate)
    return NO_FACTS


def _is_false(node: exp.Expr) -> bool:
    return (isinstance(node, exp.Boolean) and not node.this) or isinstance(node, exp.Null)


def _compared(kind: type[exp.Expr], left: exp.Expr, right: exp.Expr, evaluate: Evaluate) -> Facts:
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple) and kind is exp.EQ:
        both = zip(left.expressions, right.expressions, strict=False)
        return frozenset().union(*(_compared(kind, a, b, evaluate) for a, b in both))
    one, other = evaluate(left), evaluate(right)
    if one.moment is not None and other.moment is not None:
        return _of_moments(kind, one.moment, other.moment)
    if one.span is not None and other.number is not None:
        return _of_span(kind, one.span, other.number * (one.unit or 1.0), one.unit)
    if other.span is not None and one.number is not None:
        return _of_span(_SWAPPED[kind], other.span, one.number * (other.unit or 1.0), other.unit)
    if one.order is not None and other.order is not None and one.order != other.order:
        return _of_places(kind, Moment(one.order), Moment(other.order), other.steps - one.steps)
    return NO_FACTS


def _of_places(kind: type[exp.Expr], one: Moment, other: Moment, steps: float) -> Facts:
    """What follows for their moments from the place of one row compared with the place of another plus `steps`."""
    if kind in (exp.EQ, exp.NullSafeEQ):
        return at_most(one, other) if steps < 0 else at_most(other, one) if steps > 0 else NO_FACTS
    if kind in (exp.GT, exp.GTE):
        kind, one, other, steps = _SWAPPED[kind], other, one, -steps
    if kind is exp.LT:
        return at_most(one, other, strict=steps <= 0) if steps <= 1 else NO_FACTS
    return at_most(one, other, strict=steps < 0) if steps <= 0 else NO_FACTS


def _of_moments(kind: type[exp.Expr], one: Moment, other: Moment) -> Facts:
    if kind in (exp.LT, exp.LTE):
        return at_most(one, other, strict=kind is exp.LT)
    if kind in (exp.GT, exp.GTE):
        return at_most(other, one, strict=kind is exp.GT)
    return equal(one, other)


def _of_span(kind: type[exp.Expr], span: tuple[Moment, Moment], seconds: float, unit: float) -> Facts:
    """What follows from later - earlier compared with so many seconds; a count of units may be one unit off."""
    later, earlier = span
    slack = unit if unit and not (later.grain >= unit and earlier.grain >= unit) else 0.0
    found: set[Fact] = set()
    if later.var == earlier.var:
        return NO_FACTS
    if kind in (exp.LT, exp.LTE, exp.EQ, exp.NullSafeEQ):
        step = unit if unit and kind is exp.LT else 0.0
        found.add(Fact(later.var, earlier.var, seconds - step + slack + earlier.high - later.low,
                       (kind is exp.LT and not step) or bool(slack)))  # fmt: skip
    if kind in (exp.GT, exp.GTE, exp.EQ, exp.NullSafeEQ):
        step = unit if unit and kind is exp.GT else 0.0
        found.add(Fact(earlier.var, later.var, -(seconds + step - slack) + later.high - earlier.low,
                       (kind is exp.GT and not step) or bool(slack)))  # fmt: skip
    return frozenset(found)
