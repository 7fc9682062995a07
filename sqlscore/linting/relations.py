"""Rows: their columns, the moments that tell them apart, and what holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlscore.linting.values import NO_READS, Moment, Reads, Value
from sqlscore.linting.zones import NO_FACTS, Facts, Var


@dataclass
class Relation:
    """Rows.

    Attributes:
        columns: values by name, in order.
        grain: the moments that tell rows apart; empty where rows are of no moment, such as one a user.
        keys: sets of columns of which no two rows agree.
        facts: what holds of every row.
        presence: what it depends on whether a row is there.
        event: whether a row is a single event.
        tables: the clocked tables whose rows they are, with the time of the row.
        first: the least or first times of groups: the table, and the columns that the groups share.
        last: likewise the greatest or newest.
        whole: the table of which all rows are there, if so.
        name: of the table or view, for messages.
        assured: whether its rows are groups of all rows of a table, such as all users: that one is there tells little.
        single: whether there is at most one row.
        when: of groups of rows between two moments, the rows: whether a group is there tells of that time.
        repeated: the tables and columns whose rows a join has repeated, with what repeats them.
    """

    columns: dict[str, Value] = field(default_factory=dict)
    grain: tuple[Moment, ...] = ()
    keys: tuple[frozenset[str], ...] = ()
    facts: Facts = NO_FACTS
    presence: Reads = NO_READS
    event: bool = False
    tables: tuple[tuple[str, Var], ...] = ()
    first: tuple[tuple[Var, str, tuple[tuple[str, str], ...]], ...] = ()
    last: tuple[tuple[Var, str, tuple[tuple[str, str], ...]], ...] = ()
    whole: str | None = None
    name: str = ""
    assured: bool = False
    single: bool = False
    repeated: tuple[tuple[tuple[str, str], str], ...] = ()
    when: Reads = NO_READS

    def kept(self) -> Reads:
        """What it depends on whether a row is there, once the rows are read by a query around."""
        if self.assured:
            return frozenset(read for read in self.presence if read.origin.kind == "wall")
        return self.presence

    def copied(self, names: dict[Var, Var]) -> Relation:
        """The same with other variables."""
        return Relation(
            {name: value.renamed(names) for name, value in self.columns.items()},
            tuple(moment.renamed(names) for moment in self.grain),
            self.keys,
            frozenset(fact.renamed(names) for fact in self.facts),
            frozenset(read.renamed(names) for read in self.presence),
            self.event,
            tuple((table, var.renamed(names)) for table, var in self.tables),
            tuple((var.renamed(names), table, keys) for var, table, keys in self.first),
            tuple((var.renamed(names), table, keys) for var, table, keys in self.last),
            self.whole,
            self.name,
            self.assured,
            self.single,
            self.repeated,
            frozenset(read.renamed(names) for read in self.when),
        )

    def shown(self) -> set[Var]:
        """The variables that differ from row to row and that columns and rows mention, without what only facts do."""
        found = {moment.var for moment in self.grain} | {read.var for read in (*self.presence, *self.when)}
        found |= {fact_var for read in self.presence for fact in read.facts for fact_var in (fact.left, fact.right)}
        found |= {var for _, var in self.tables} | {var for var, _, _ in (*self.first, *self.last)}
        for value in self.columns.values():
            found |= variables_of(value)
        return {var for var in (one.roots() for one in found) if var.kind == "row"}

    def variables(self) -> set[Var]:
        """The variables that differ from row to row."""
        found = self.shown()
        for fact in self.facts:
            found |= {fact.left, fact.right}
        roots = {var.roots() for var in found}
        return {var for var in roots if var.kind == "row"}


def variables_of(value: Value) -> set[Var]:
    """The moments that a value mentions."""
    found = {read.var for read in value.reads}
    for read in value.reads:
        for fact in read.facts:
            found |= {fact.left, fact.right}
    if value.moment is not None:
        found.add(value.moment.var)
    if value.span is not None:
        found |= {value.span[0].var, value.span[1].var}
    if value.order is not None:
        found.add(value.order)
    for key in value.pick.keys if value.pick is not None else ():
        found |= variables_of(key)
    for _, inner in value.row or ():
        found |= variables_of(inner)
    return found
