"""What is known of moments relative to each other: differences with an upper bound, and what follows from them.

The domain is that of difference bounds (Mine, 2001, "A new numerical abstract domain based on difference-bound
matrices"): each fact is `later - earlier <= seconds`, and what follows is a shortest path. Months and years count as
their mean length everywhere, so that steps of a calendar cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

SECONDS = {
    "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0,
    "week": 604_800.0, "month": 2_629_746.0, "quarter": 3 * 2_629_746.0, "year": 12 * 2_629_746.0,
}  # fmt: skip
DAY = SECONDS["day"]


@dataclass(frozen=True)
class Var:
    """A moment that differs from row to row, or is the same for all.

    Attributes:
        kind: "row", the time of a row that is read; "trunc", the begin of the unit in which `base` lies; "later" and
            "earlier", `base` moved by a span that only its text tells; "epoch", 1970; "given", a parameter; "newest",
            the newest row of a table; "current", when attributes were looked up; "wall", the wall clock.
        name: tells those of one kind apart.
        base: what it is derived from.
        step: the unit of "trunc" in seconds.
    """

    kind: str
    name: str
    base: Var | None = None
    step: float = 0.0

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same for all rows."""
        if self.base is not None:
            return self.base.is_fixed
        return self.kind in ("epoch", "given", "newest")

    def renamed(self, names: dict[Var, Var]) -> Var:
        """The same of other rows."""
        if self in names:
            return names[self]
        if self.base is None:
            return self
        base = self.base.renamed(names)
        return self if base is self.base else Var(self.kind, self.name, base, self.step)

    def roots(self) -> Var:
        """What it is derived from in the end."""
        return self if self.base is None else self.base.roots()


EPOCH = Var("epoch", "")
WALL = Var("wall", "")


@dataclass(frozen=True)
class Fact:
    """`left <= right + seconds`, or less than that if it is strict."""

    left: Var
    right: Var
    seconds: float
    strict: bool = False

    def renamed(self, names: dict[Var, Var]) -> Fact:
        """The same of other rows."""
        left, right = self.left.renamed(names), self.right.renamed(names)
        return self if left is self.left and right is self.right else Fact(left, right, self.seconds, self.strict)


Facts = frozenset[Fact]
NO_FACTS: Facts = frozenset()


def _of_definition(var: Var) -> Iterable[Fact]:
    """What holds of a derived moment by itself."""
    base = var.base
    if base is None:
        return
    if var.kind == "trunc":
        yield Fact(var, base, 0.0)
        yield Fact(base, var, var.step, strict=True)
    elif var.kind == "later":
        yield Fact(base, var, 0.0)
    elif var.kind == "earlier":
        yield Fact(var, base, 0.0)
    yield from _of_definition(base)


@lru_cache(maxsize=4096)
def _graph(facts: Facts) -> dict[Var, tuple[tuple[Var, float, bool], ...]]:
    edges: dict[Var, list[tuple[Var, float, bool]]] = {}
    known: set[Fact] = set(facts)
    for fact in facts:
        known.update(_of_definition(fact.left))
        known.update(_of_definition(fact.right))
    for fact in known:
        edges.setdefault(fact.right, []).append((fact.left, fact.seconds, fact.strict))
    return {var: tuple(out) for var, out in edges.items()}


def bound(facts: Facts, left: Var, right: Var) -> tuple[float, bool] | None:
    """The least known (seconds, strict) with `left <= right + seconds`; None if nothing bounds it.

    Args:
        facts: What is known.
        left: The moment that is bounded from above.
        right: The moment relative to which.
    """
    if left == right:
        return (0.0, False)
    return _reach(facts, right, left)


@lru_cache(maxsize=65536)
def _reach(facts: Facts, start: Var, end: Var) -> tuple[float, bool] | None:
    extra: dict[Var, list[tuple[Var, float, bool]]] = {}
    for var in (start, end):
        for fact in _of_definition(var):
            extra.setdefault(fact.right, []).append((fact.left, fact.seconds, fact.strict))
    graph = _graph(facts)
    best: dict[Var, tuple[float, int]] = {start: (0.0, 0)}
    waiting = [start]
    for _ in range(10_000):  # a contradiction in the facts would go round for ever
        if not waiting:
            break
        here = waiting.pop(0)
        seconds, strict = best[here]
        for there, more, is_strict in (*graph.get(here, ()), *extra.get(here, ())):
            found = (seconds + more, strict - int(is_strict))  # strictness makes a bound smaller
            if found < best.get(there, (math.inf, 0)):
                best[there] = found
                waiting.append(there)
    if end not in best:
        return None
    return (best[end][0], best[end][1] < 0)


def weaker(one: Facts, other: Facts) -> Facts:
    """What holds if one or the other does."""
    kept = set()
    for mine, theirs in ((one, other), (other, one)):
        for fact in mine:
            known = bound(theirs, fact.left, fact.right)
            if known is not None:
                seconds, strict = max((fact.seconds, not fact.strict), (known[0], not known[1]))
                kept.add(Fact(fact.left, fact.right, seconds, not strict))
    return frozenset(kept)


def without(facts: Facts, hidden: set[Var]) -> Facts:
    """What holds of the other moments: facts that lead over a hidden one become one fact each.

    Args:
        facts: What is known.
        hidden: Moments that nobody asks about any more, and those that are derived from them.
    """
    gone = {var for fact in facts for var in (fact.left, fact.right) if var.roots() in hidden}
    if not gone:
        return facts
    known: dict[tuple[Var, Var], tuple[float, bool]] = {}
    for fact in (*facts, *(one for var in gone for one in _of_definition(var))):
        _keep_least(known, fact.left, fact.right, fact.seconds, fact.strict)
    gone |= {var for pair in known for var in pair if var.roots() in hidden}
    while gone:
        over: dict[Var, list[tuple[Var, float, bool]]] = {var: [] for var in gone}
        under: dict[Var, list[tuple[Var, float, bool]]] = {var: [] for var in gone}
        for (left, right), (seconds, strict) in known.items():
            if left in gone:
                over[left].append((right, seconds, strict))
            if right in gone:
                under[right].append((left, seconds, strict))
        var = min(gone, key=lambda one: (len(over[one]) * len(under[one]), one.kind, one.name))
        gone.remove(var)
        for left, seconds, strict in under[var]:
            for right, more, stricter in over[var]:
                if left != right:
                    _keep_least(known, left, right, seconds + more, strict or stricter)
        known = {pair: least for pair, least in known.items() if var not in pair}
    return frozenset(Fact(left, right, seconds, strict) for (left, right), (seconds, strict) in known.items())


def _keep_least(
    known: dict[tuple[Var, Var], tuple[float, bool]], left: Var, right: Var, seconds: float, strict: bool
) -> None:
    """The lesser bound of two, and of equal ones the strict one."""
    old = known.get((left, right))
    if old is None or (seconds, not strict) < (old[0], not old[1]):
        known[(left, right)] = (seconds, strict)
