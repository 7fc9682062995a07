"""What is known of a value and of the rows of a relation: which moments they read, and which moment they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlglot import exp

from sqlscore.linting.zones import NO_FACTS, Fact, Facts, Var, bound


@dataclass(frozen=True, eq=False)
class Origin:
    """How a row came to be read.

    Attributes:
        kind: "scan", "join", "asof", "subquery", "frame" (a window that reaches forward), "whole" (an aggregate or
            rank over all rows), "last", "newest", "label", "current", "wall", "score", "session".
        node: the construct.
        what: the table or the function, for the message.
    """

    kind: str
    node: exp.Expr | None
    what: str = ""


@dataclass(frozen=True)
class Read:
    """The time of a row that a value depends on, how it came to be read, and what holds where it is read."""

    var: Var
    origin: Origin
    facts: Facts = NO_FACTS

    def taken(self, kind: str, node: exp.Expr) -> Read:
        """The same, of a row that was chosen among others.

        Args:
            kind: "newest" or "last".
            node: The construct.
        """
        of_time = self.origin.kind == "current" and self.var.kind == "row"  # a table that says from when its rows hold
        if of_time or self.origin.kind in ("scan", "join", "subquery", "asof"):
            return Read(self.var, Origin(kind, node, self.origin.what), self.facts)
        return self

    def renamed(self, names: dict[Var, Var]) -> Read:
        """The same of other rows."""
        var = self.var.renamed(names)
        facts = frozenset(fact.renamed(names) for fact in self.facts)
        return self if var is self.var and facts == self.facts else Read(var, self.origin, facts)


Reads = frozenset[Read]
NO_READS: Reads = frozenset()


@dataclass(frozen=True)
class Moment:
    """A moment: at least `var + low` and at most `var + high`, in seconds; a multiple of `grain` seconds if not 0."""

    var: Var
    low: float = 0.0
    high: float = 0.0
    grain: float = 0.0

    def moved(self, low: float, high: float | None = None) -> Moment:
        """The moment so many seconds later."""
        high = low if high is None else high
        grain = self.grain if self.grain and low == high and low % self.grain == 0 else 0.0
        return Moment(self.var, self.low + low, self.high + high, grain)

    def renamed(self, names: dict[Var, Var]) -> Moment:
        """The same of other rows."""
        return replace(self, var=self.var.renamed(names))


@dataclass(frozen=True)
class Pick:
    """A number that ranks rows: which rows are first in which order.

    Attributes:
        keys: the columns within which rows are ranked.
        backward: whether the newest row is the first; None if not time but something else orders.
        node: the window.
        mixed: whether a key tells single events apart.
    """

    keys: tuple[Value, ...]
    backward: bool | None
    node: exp.Expr
    mixed: bool


@dataclass(frozen=True)
class Value:
    """What an expression may depend on.

    Attributes:
        reads: times of rows.
        moment: the moment that it is, if it is one.
        span: the two moments whose difference it is, later first.
        number: its value if it is a constant: a number, or seconds.
        base: the table and column that it is, unchanged.
        order: the moment with which it grows, of row numbers and the like.
        steps: how much was added to such a number.
        pick: what it ranks, if it is a rank.
        tags: "user", "label", "score", "boolean", "random", "hash", "session", "null_test",
            "reckoned" (from the wall clock and another moment).
        row: the columns, if it is a whole row.
        unit: seconds in one, of a number that counts units of time; 0 if it is none.
    """

    reads: Reads = NO_READS
    moment: Moment | None = None
    span: tuple[Moment, Moment] | None = None
    number: float | None = None
    base: tuple[str, str] | None = None
    order: Var | None = None
    steps: float = 0.0
    pick: Pick | None = None
    tags: frozenset[str] = frozenset()
    row: tuple[tuple[str, Value], ...] | None = None
    unit: float = 0.0

    def renamed(self, names: dict[Var, Var]) -> Value:
        """The same of other rows."""
        if not names:
            return self
        return replace(
            self,
            reads=frozenset(read.renamed(names) for read in self.reads),
            moment=self.moment.renamed(names) if self.moment else None,
            span=(self.span[0].renamed(names), self.span[1].renamed(names)) if self.span else None,
            order=self.order.renamed(names) if self.order else None,
            row=tuple((name, value.renamed(names)) for name, value in self.row) if self.row is not None else None,
            pick=replace(self.pick, keys=tuple(key.renamed(names) for key in self.pick.keys)) if self.pick else None,
        )

    def tagged(self, *tags: str) -> Value:
        """With these tags besides."""
        return replace(self, tags=self.tags | set(tags))

    def also(self, reads: Iterable[Read]) -> Value:
        """Depending on these besides."""
        more = frozenset(reads)
        return replace(self, reads=self.reads | more) if more - self.reads else self

    def where(self, facts: Facts) -> Value:
        """Read only where these hold."""
        if not facts or not self.reads:
            return self
        return replace(self, reads=frozenset(Read(r.var, r.origin, r.facts | facts) for r in self.reads))


NOTHING = Value()
CHANCE = frozenset({"random", "hash"})
_CARRIED = frozenset({"label", "score", "random", "hash", "reckoned"})


def mixed(values: Iterable[Value], *tags: str) -> Value:
    """A value made of others in a way that is not known."""
    reads: set[Read] = set()
    carried: set[str] = set(tags)
    kinds: set[str] = set()
    for value in values:
        reads |= value.reads
        carried |= value.tags & _CARRIED
        if value.moment is not None:
            kinds.add("fixed" if value.moment.var.is_fixed else value.moment.var.roots().kind)
    if "wall" in kinds and kinds - {"wall", "fixed"}:
        carried.add("reckoned")
    return Value(frozenset(reads), tags=frozenset(carried))


def not_after(facts: Facts, read: Read, moment: Moment, slack: float = 0.0) -> bool:
    """Whether what is read is surely no later than the moment."""
    known = bound(facts | read.facts, read.var, moment.var)
    return known is not None and known[0] <= moment.high + slack


def after(facts: Facts, read: Read, moment: Moment) -> bool:
    """Whether what is read is surely at the moment or later."""
    known = bound(facts | read.facts, moment.var, read.var)
    return known is not None and known[0] + moment.low <= 0.0


def equal(one: Moment, other: Moment) -> Facts:
    """What follows from two moments being equal."""
    return at_most(one, other) | at_most(other, one)


def at_most(one: Moment, other: Moment, strict: bool = False) -> Facts:
    """What follows from one moment being at most another, or less."""
    grain = max(one.grain, other.grain) if one.grain and other.grain else 0.0
    step = min(one.grain, other.grain) if strict and grain else 0.0
    seconds = other.high - one.low - step
    if one.var == other.var:
        return NO_FACTS
    return frozenset({Fact(one.var, other.var, seconds, strict and not step)})
