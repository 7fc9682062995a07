"""The frame of a window: which rows it reads, relative to its own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.values import Value, equal
from sqlscore.linting.zones import Fact, Facts, Var

_SHARES = ("ntile", "percent_rank", "cume_dist", "percentrank", "cumedist")
_STEPS = ("lag", "lead")


@dataclass(frozen=True)
class Frame:
    """Which rows of the partition a function reads, relative to its own.

    Attributes:
        start, end: "all", "before", "here", "after": where the frame begins and ends, in the order.
        shift: seconds that a RANGE reaches on, if it is written out.
    """

    start: str
    end: str
    shift: float | None = None


def clauses_of(scope: Scope, node: exp.Window) -> tuple[list[exp.Expr], list[exp.Ordered], exp.WindowSpec | None]:
    """Partition, order and frame, with those of the named window that it is built on."""
    partition, order, spec = list(node.args.get("partition_by") or ()), node.args.get("order"), node.args.get("spec")
    named = node.args.get("alias")
    base = scope.windows.get(named.name.casefold()) if named is not None else None
    if base is None and isinstance(node.args.get("first"), exp.Expr):
        base = scope.windows.get(node.args["first"].name.casefold())
    if base is not None:
        above = clauses_of(scope, base)
        return partition or above[0], list(order.expressions) if order is not None else above[1], spec or above[2]
    return partition, list(order.expressions) if order is not None else [], spec


def clock_of(scope: Scope, order: list[tuple[Value, bool]]) -> tuple[Var, bool] | None:
    """The moment that orders, and whether backward; None if something else does."""
    if not order:
        return None
    own = {moment.var.roots() for moment in scope.grain}
    for value, desc in order:
        var = value.moment.var if value.moment is not None else value.order
        if var is not None and (not own or var.roots() in own):
            return (var, desc)
        if value.base is None or "user" not in value.tags:
            break
    return None


def frame_of(
    reader: Reader, scope: Scope, call: exp.Expr, name: str, spec: exp.WindowSpec | None, ordered: bool
) -> Frame:
    """The frame of a function, by its name, the order and what is written.

    Args:
        reader: Reads the bounds.
        scope: What they see.
        call: The function.
        name: Its name.
        spec: The frame as it is written.
        ordered: Whether there is an order.
    """
    if name in _STEPS:
        offset = call.args.get("offset") or (
            call.expressions[1] if isinstance(call, exp.Anonymous) and len(call.expressions) > 1 else None
        )
        back = (name == "lag") != (isinstance(offset, exp.Neg))
        return Frame("before", "before") if back else Frame("after", "after")
    if name in ("row_number", "rownumber", "rank", "dense_rank", "denserank"):
        return Frame("all", "here") if ordered else Frame("all", "all")
    if name in _SHARES or not ordered:
        return Frame("all", "all")
    if spec is None:
        return Frame("all", "here")
    start, _ = _edge(reader, scope, spec, "start")
    end, shift = _edge(reader, scope, spec, "end")
    if name in ("first_value", "firstvalue") and start == "all":
        return Frame("all", "before")
    return Frame(start, end, shift)


def _edge(reader: Reader, scope: Scope, spec: exp.WindowSpec, which: str) -> tuple[str, float | None]:
    bound, side = spec.args.get(which), spec.args.get(f"{which}_side")
    if bound is None or (isinstance(bound, str) and bound == "CURRENT ROW"):
        return ("here", None)
    if isinstance(bound, str):  # UNBOUNDED
        return ("all", None)
    value = reader.value(scope, bound)
    number = value.number
    if number == 0:
        return ("here", None)
    forward = (side == "FOLLOWING") == (number is None or number > 0)
    shift = (
        abs(number) if number is not None and "span" in value.tags and spec.text("kind").upper() == "RANGE" else None
    )
    return ("after" if forward else "before", shift)


def neighbours(
    reader: Reader, scope: Scope, keys: tuple[Value, ...], clock: tuple[Var, bool] | None, frame: Frame, start: set[Var]
) -> tuple[Facts, dict[Var, Var]]:
    """Names for the moments of the other rows that are read, and what holds of them."""
    roots = start | {moment.var.roots() for moment in scope.grain}
    roots |= {key.moment.var.roots() for key in keys if key.moment is not None}
    roots |= {clock[0].roots()} if clock is not None else set()
    roots = _linked({var for var in roots if var.kind == "row"}, scope.facts)
    names = {var: reader.fresh(var.name.partition(":")[2]) for var in sorted(roots, key=lambda var: var.name)}
    own = [fact for fact in scope.facts if fact.left.roots() in roots or fact.right.roots() in roots]
    facts = {fact.renamed(names) for fact in own}
    for key in keys:
        if key.moment is not None:
            facts |= equal(key.moment, key.moment.renamed(names))
    if clock is not None:
        facts |= _within(frame, clock[0], clock[0].renamed(names), clock[1])
    return frozenset(facts), names


def _linked(roots: set[Var], facts: Facts) -> set[Var]:
    """These moments, and all that facts link to them."""
    pairs = [(fact.left.roots(), fact.right.roots()) for fact in facts]
    pairs = [(one, other) for one, other in pairs if one.kind == other.kind == "row"]
    before = -1
    while len(roots) > before:
        before = len(roots)
        for one, other in pairs:
            if one in roots or other in roots:
                roots |= {one, other}
    return roots


def _within(frame: Frame, var: Var, other: Var, desc: bool) -> set[Fact]:
    """What a frame says of the other rows' moment, relative to the row's own."""
    low, high = (frame.end, frame.start) if desc else (frame.start, frame.end)
    if desc:
        flip = {"before": "after", "after": "before"}
        low, high = flip.get(low, low), flip.get(high, high)
    found: set[Fact] = set()
    if high in ("before", "here"):
        found.add(Fact(other, var, -var.step if high == "before" and var.kind == "trunc" else 0.0))
    if high == "after" and frame.shift is not None:
        found.add(Fact(other, var, frame.shift))
    if low == "after":
        found.add(Fact(var, other, -var.step if var.kind == "trunc" else 0.0, var.kind != "trunc"))
    elif low == "here":
        found.add(Fact(var, other, 0.0))
    return found
