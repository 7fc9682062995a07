"""What a reading saw that rules look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Reads, Value
from sqlscore.linting.zones import Facts


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a function that scores.

    Attributes:
        node: the call.
        name: of the function, without prefix.
        takes_as_of: whether it is as of a moment.
        events: the rows that it is given.
        as_of: the moment, if one is given.
        over: whether it is called over a window.
        facts: what holds there.
        presence: what it depends on which rows are there.
    """

    node: exp.Expr
    name: str
    takes_as_of: bool
    events: Value
    as_of: Value | None
    over: bool
    facts: Facts
    presence: Reads


@dataclass(frozen=True, eq=False)
class Join:
    """Two relations that are joined, and what holds of the rows that result."""

    node: exp.Expr
    left: tuple[Relation, ...]
    right: Relation
    facts: Callable[[], Facts]
    kind: str
    multiplies: bool


@dataclass(frozen=True, eq=False)
class Ordering:
    """Rows of tables that are put in an order, from which one is picked or that numbers them.

    Attributes:
        node: the window, function or clause.
        what: the function.
        tables: the tables that are ordered.
        by: the columns that are unchanged in the order and the partition.
        coarse: whether only a date or the like orders.
        timed: whether time orders first.
    """

    node: exp.Expr
    what: str
    tables: tuple[str, ...]
    by: tuple[tuple[str, str], ...]
    coarse: bool
    timed: bool
    settled: bool


@dataclass(frozen=True, eq=False)
class Split:
    """A condition or a value that chance or a hash decides."""

    node: exp.Expr
    kind: str
    event_rows: bool
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Multiplied:
    """An aggregate over rows that a join has multiplied."""

    node: exp.Expr
    what: str


@dataclass(frozen=True, eq=False)
class Output:
    """The rows that a query gives.

    Attributes:
        node: the query.
        name: of the model or view.
        relation: the rows.
        nodes: the expression of each column.
    """

    node: exp.Expr
    name: str
    relation: Relation
    nodes: dict[str, exp.Expr]


@dataclass
class Observations:
    """All that was seen, in order."""

    calls: list[Call] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    multiplied: list[Multiplied] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def silent(self) -> Silence:
        """Forget what is seen from now on once `restore` is called: what views of sqlscore do is tested."""
        lists: tuple[list[Any], ...] = (
            self.calls,
            self.joins,
            self.orderings,
            self.splits,
            self.multiplied,
            self.outputs,
        )
        return Silence(tuple(lists), tuple(len(one) for one in lists))


@dataclass(frozen=True)
class Silence:
    """How long the lists were."""

    lists: tuple[list[Any], ...]
    lengths: tuple[int, ...]

    def restore(self) -> None:
        """Drop what was seen since."""
        for one, length in zip(self.lists, self.lengths, strict=True):
            del one[length:]
