"""FROM: the rows of tables, views and queries, and of their joins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from sqlscore.linting.observations import Join
from sqlscore.linting.reading.conditions import facts_where
from sqlscore.linting.reading.nesting import entries
from sqlscore.linting.reading.pairing import (
    is_one,
    left_is_one,
    note_multiplying,
    pairs_in,
    place_in,
    settle,
    since_first,
)
from sqlscore.linting.reading.scope import Reader, Scope, Source
from sqlscore.linting.reading.sources import read_source
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Origin, Read, Value, at_most, equal
from sqlscore.linting.zones import NO_FACTS, Facts

Pair = tuple[tuple[str, str], tuple[str, str] | None]
"""A column that is equal to another one, or to something that is the same for all rows."""


def read_from(reader: Reader, scope: Scope, select: exp.Select) -> None:
    """Read the FROM clause of a SELECT into its scope."""
    found = entries(select)
    if found is None:
        return
    first, joins = found
    where = select.args.get("where")
    _begin(scope, read_source(reader, scope, first))
    inner = [where] if where is not None else []
    inner += [join.args.get("on") for join in joins if not join.side and join.args.get("on") is not None]
    for join in joins:
        _join(reader, scope, join, read_source(reader, scope, join.this), inner)


def _begin(scope: Scope, entry: Source) -> None:
    relation = entry.relation
    scope.sources.append(entry)
    scope.facts |= relation.facts
    scope.grain, scope.event = relation.grain, relation.event
    scope.keys = tuple(frozenset((entry.alias, column) for column in key) for key in relation.keys)
    scope.tables, scope.first, scope.last = relation.tables, relation.first, relation.last
    scope.whole = relation.whole
    scope.presence = relation.kept()


def _join(reader: Reader, scope: Scope, join: exp.Join, entry: Source, inner: Iterable[exp.Expr]) -> None:
    """Add the other side of a join to the rows so far."""
    method, side, kind = (join.method or "").upper(), (join.side or "").upper(), (join.kind or "").upper()
    using = _using(scope, join, entry, method)
    relation = entry.relation = _noted(entry.relation, join, method)
    before = list(scope.sources)
    left = tuple(source.relation for source in before)
    merged = [(name, scope.column(name), relation.columns.get(name)) for name in using]
    scope.sources.append(entry)
    on = join.args.get("on")
    conditions = [one for one in ([on] if side else [on, *inner]) if one is not None]
    pairs = [*pairs_in(scope, conditions), *(((entry.alias, name), place_in(before, name)) for name in using)]
    facts = facts_where(on, lambda node: reader.value(scope, node)) | _facts_of_using(merged, method)
    if side not in ("RIGHT", "FULL"):
        scope.merged |= {name: one for name, one, other in merged if one is not None and other is not None}
    one_left = left_is_one(pairs, entry.alias, scope)
    single = method in ("ASOF", "POSITIONAL") or is_one(entry.alias, relation, pairs) or relation.single
    facts = _nullable(before, entry, side, facts)
    relation = entry.relation
    scope.facts |= facts | relation.facts | since_first(scope, relation, pairs)
    settle(scope, facts, (*scope.last, *relation.last), (*scope.tables, *relation.tables), join)
    if on is not None and not side:
        scope.presence |= _asked(scope, reader.value(scope, on))
    reader.seen.joins.append(Join(join, left, relation, scope.all_facts, kind or side or method, not single))
    if kind in ("SEMI", "ANTI"):
        scope.sources.pop()
        scope.presence |= frozenset(read for read in relation.presence if not read.var.is_fixed)
        return
    note_multiplying(scope, entry, before, pairs, single, one_left)
    if not side:
        scope.presence |= relation.kept()
    if not single:
        _widen(scope, entry, one_left and side != "LEFT")
    scope.tables += relation.tables
    scope.first += relation.first
    scope.last += relation.last
    scope.whole = None


def _using(scope: Scope, join: exp.Join, entry: Source, method: str) -> list[str]:
    """The columns that both sides have in common by USING or NATURAL."""
    if method == "NATURAL":
        mine = {name for source in scope.sources for name in source.relation.columns}
        return [name for name in entry.relation.columns if name in mine]
    return [one.name.casefold() for one in join.args.get("using") or ()]


def _facts_of_using(merged: list[tuple[str, Value | None, Value | None]], method: str) -> Facts:
    """What USING says of moments; the last column of an ASOF join is at most that of the left side."""
    found: Facts = NO_FACTS
    for index, (_, one, other) in enumerate(merged):
        if one is None or other is None or one.moment is None or other.moment is None:
            continue
        last = method == "ASOF" and index == len(merged) - 1
        found |= at_most(other.moment, one.moment) if last else equal(one.moment, other.moment)
    return found


def _nullable(before: list[Source], entry: Source, side: str, facts: Facts) -> Facts:
    """Note which sides may be missing; what ON says of the other side alone does not hold of its rows then."""
    if side in ("RIGHT", "FULL"):
        for source in before:
            source.nullable = True
    if side not in ("LEFT", "FULL"):
        return facts
    entry.nullable = True
    own = entry.relation.variables()
    held = frozenset(fact for fact in facts if fact.left.roots() in own or fact.right.roots() in own)
    there = {name: value.where(facts - held) for name, value in entry.relation.columns.items()}
    entry.relation = replace(entry.relation, columns=there)  # its values are read only where ON holds
    return held


def _asked(scope: Scope, value: Value) -> frozenset[Read]:
    """What ON reads besides the rows that are joined."""
    columns = [value for source in scope.sources for value in source.relation.columns.values()]
    known = {read.var for column in columns for read in column.reads}
    return frozenset(read for read in value.reads if read.var not in known)


def _widen(scope: Scope, entry: Source, one_left: bool) -> None:
    """Note what tells the rows apart once several rows of the other side match."""
    relation = entry.relation
    keys = [frozenset((entry.alias, column) for column in key) for key in relation.keys]
    if one_left:
        scope.grain, scope.event = relation.grain or scope.grain, relation.event or scope.event
        scope.keys = tuple(keys)
        return
    scope.grain = (*scope.grain, *(moment for moment in relation.grain if moment not in scope.grain))
    scope.event = scope.event or relation.event
    scope.keys = tuple(one | other for one in scope.keys[:3] for other in keys[:3])


def _noted(relation: Relation, join: exp.Join, method: str) -> Relation:
    """The relation with a note that its rows are joined."""
    kind = "asof" if method == "ASOF" else "join"

    def noted(read: Read) -> Read:
        if read.origin.kind == "scan" or (read.origin.kind == "current" and kind == "asof"):
            return Read(read.var, Origin(kind, join, read.origin.what), read.facts)
        return read

    columns = {
        name: replace(value, reads=frozenset(map(noted, value.reads))) for name, value in relation.columns.items()
    }
    return replace(relation, columns=columns, presence=frozenset(map(noted, relation.presence)))
