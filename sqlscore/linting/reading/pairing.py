"""Which rows of the sides of a join belong together, and what that says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from sqlscore.linting.reading.conditions import parts
from sqlscore.linting.reading.scope import Scope, Source
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Reads
from sqlscore.linting.zones import Fact, Facts

Pair = tuple[tuple[str, str], tuple[str, str] | None]
"""A column that is equal to another one, or to something that is the same for all rows."""


def place_in(sources: list[Source], name: str) -> tuple[str, str] | None:
    """The first entry that has a column."""
    return next(((source.alias, name) for source in sources if name in source.relation.columns), None)


def pairs_in(scope: Scope, conditions: list[exp.Expr]) -> Iterable[Pair]:
    """Columns that conditions make equal."""
    for condition in conditions:
        for part in parts(condition):
            if isinstance(part, (exp.EQ, exp.NullSafeEQ)):
                sides = [(part.left, part.right), (part.right, part.left)]
                if isinstance(part.left, exp.Tuple) and isinstance(part.right, exp.Tuple):
                    sides = [
                        pair
                        for a, b in zip(part.left.expressions, part.right.expressions, strict=False)
                        for pair in ((a, b), (b, a))
                    ]
                for one, other in sides:
                    one, other = _bare(one), _bare(other)
                    if isinstance(one, exp.Column) and (place := scope.place(one)) is not None:
                        there = scope.place(other) if isinstance(other, exp.Column) else None
                        found = list(other.find_all(exp.Column))
                        inner = next((p for column in found if (p := scope.place(column)) is not None), None)
                        yield (place, there or inner)


def _bare(node: exp.Expr) -> exp.Expr:
    """Without parentheses and casts."""
    while isinstance(node, (exp.Paren, exp.Cast)):
        node = node.this
    return node


def is_one(alias: str, relation: Relation, pairs: list[Pair]) -> bool:
    """Whether equal columns leave at most one row of a relation for each other row."""
    tied = {place[1] for place, other in pairs if place[0] == alias and (other is None or other[0] != alias)}
    return any(key <= tied for key in relation.keys)


def is_one_of(source: Source, pairs: list[Pair], other: str) -> bool:
    """Likewise of an entry on the left, for each row of the entry `other`."""
    tied = {place[1] for place, there in pairs if place[0] == source.alias and there is not None and there[0] == other}
    return any(key <= tied for key in source.relation.keys)


def left_is_one(pairs: list[Pair], alias: str, scope: Scope) -> bool:
    """Whether the rows so far are at most one for each row of the other side."""
    tied = {place for place, there in pairs if there is not None and there[0] == alias}
    return any(key <= tied for key in scope.keys)


def note_multiplying(
    scope: Scope, entry: Source, before: list[Source], pairs: list[Pair], single: bool, mine: bool
) -> None:
    """Note which rows occur several times since others match."""
    tied = [
        place for place, other in pairs if place[0] == entry.alias and other is not None and other[0] != entry.alias
    ]
    values = [entry.relation.columns.get(name) for _, name in tied]
    by_user = bool(tied) and all(value is not None and "user" in value.tags for value in values)
    if not by_user:
        return
    if not single:
        for source in before:
            scope.multiplied[source.alias] = scope.multiplied.get(source.alias, frozenset()) | {entry.alias}
    if not mine:
        others = {other[0] for _, other in pairs if other is not None} & {source.alias for source in before}
        many = {
            source.alias for source in before if source.alias in others and not is_one_of(source, pairs, entry.alias)
        }
        many |= {
            alias
            for source in before
            for alias in scope.multiplied.get(source.alias, frozenset())
            if alias != entry.alias
        }
        if many:
            scope.multiplied[entry.alias] = scope.multiplied.get(entry.alias, frozenset()) | many


def since_first(scope: Scope, relation: Relation, pairs: list[Pair]) -> Facts:
    """The first row of a user is not later than any row of that user."""
    found: set[Fact] = set()
    bases = {}
    for source in scope.sources:
        for name, value in source.relation.columns.items():
            if value.base is not None:
                bases[(source.alias, name)] = value.base
    equal_bases = {
        bases.get(place) for place, other in pairs if other is not None and bases.get(place) == bases.get(other)
    }
    for entries, tables in ((relation.first, scope.tables), (scope.first, relation.tables)):
        for var, table, keys in entries:
            for name, time in tables:
                if table and name == table and set(keys) <= equal_bases and keys:
                    found.add(Fact(var, time, 0.0))
    return frozenset(found)


def settle(
    scope: Scope,
    facts: Facts,
    last: Iterable[tuple[object, str, object]],
    tables: Iterable[tuple[str, object]],
    node: exp.Expr,
) -> None:
    """Drop the moments of rows that are the newest of their group, and note that they are.

    Args:
        scope: The rows.
        facts: What a condition says.
        last: The newest moments of groups that are known.
        tables: The tables and the times of their rows.
        node: The condition.
    """
    newest = {var: table for var, table, _ in last}
    for fact in facts:
        for var, time in ((fact.left, fact.right), (fact.right, fact.left)):
            if fact.seconds == 0.0 and var in newest and (newest[var], time) in set(tables):
                back = Fact(fact.right, fact.left, 0.0)
                if back in facts:
                    scope.grain = tuple(moment for moment in scope.grain if moment.var != time)
                    scope.event = bool(scope.grain) and scope.event
                    for source in scope.sources:
                        source.relation = _newest(source.relation, time, node)


def _newest(relation: Relation, time: object, node: exp.Expr) -> Relation:
    """The rows, of which those of this time are the newest."""

    def noted(reads: Reads) -> Reads:
        return frozenset(read.taken("newest", node) if read.var == time else read for read in reads)

    columns = {name: replace(value, reads=noted(value.reads)) for name, value in relation.columns.items()}
    return replace(relation, columns=columns, presence=noted(relation.presence))
