"""WHERE, HAVING and QUALIFY: which rows stay, and what that tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from sqlscore.linting.reading.conditions import facts_where, parts
from sqlscore.linting.reading.pairing import settle
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.splits import note_split
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Pick, Read, Value


def filter_rows(reader: Reader, scope: Scope, node: exp.Expr | None, evaluate: Callable[[exp.Expr], Value]) -> bool:
    """Take a condition into account; whether anything but time is asked for."""
    filtered = False
    own = {moment.var for moment in scope.grain}
    for part in parts(node):
        facts = facts_where(part, evaluate)
        pick = _picked(part, evaluate)
        value = evaluate(part)
        note_split(reader, scope, part, value)
        scope.facts |= facts
        settle(scope, facts, scope.last, scope.tables, part)
        if pick is not None:
            keep_first(scope, pick)
            continue
        if not facts and not _is_not_null(part):
            filtered = True
        reads = {read for read in value.reads if read.var not in own and not read.var.is_fixed}
        if "null_test" in value.tags or _is_guard(part, reads):
            continue
        known = _of_sources(scope)
        scope.presence |= frozenset(
            read
            for read in reads
            if read.var not in known or read.origin.kind in ("frame", "whole", "subquery", "group")
        )
    return filtered


def _of_sources(scope: Scope) -> set[object]:
    return {read.var for source in scope.sources for value in source.relation.columns.values() for read in value.reads}


def _is_not_null(part: exp.Expr) -> bool:
    inner = part.this if isinstance(part, exp.Not) else part
    return isinstance(inner, exp.Is) or (isinstance(inner, exp.Boolean) and bool(inner.this))


def _is_guard(part: exp.Expr, reads: set[Read]) -> bool:
    """Whether a condition only leaves out rows of a time that has not come yet."""
    if {read.origin.kind for read in reads} != {"wall"}:
        return False
    clocks = {id(read.origin.node) for read in reads}
    upper = (
        part.right
        if isinstance(part, (exp.LT, exp.LTE))
        else part.left
        if isinstance(part, (exp.GT, exp.GTE))
        else None
    )
    return upper is not None and _is_bare_clock(upper) and any(id(node) in clocks for node in upper.walk())


def _is_bare_clock(node: exp.Expr) -> bool:
    while isinstance(node, (exp.Cast, exp.Paren, exp.AtTimeZone)):
        node = node.this
    return not isinstance(node, exp.Binary)


def _picked(part: exp.Expr, evaluate: Callable[[exp.Expr], Value]) -> Pick | None:
    """The ranking of which a condition keeps the first row, if it does."""
    if isinstance(part, (exp.EQ, exp.LTE, exp.LT)):
        for one, other in ((part.left, part.right), (part.right, part.left)):
            if isinstance(other, exp.Literal) and not other.is_string:
                return evaluate(one).pick
    return None


def keep_first(scope: Scope, pick: Pick) -> None:
    """Keep the first row of each group in an order: the rows are then one a group.

    Args:
        scope: The rows.
        pick: How they are ranked.
    """
    if pick.mixed:
        return
    moments = tuple(key.moment for key in pick.keys if key.moment is not None)
    keys = tuple(key.base for key in pick.keys if key.base is not None)
    if pick.backward is False:
        for table, time in scope.tables:
            if scope.whole == table:
                scope.first += ((time, table, keys),)
        return
    kind = "newest" if pick.backward else "last"

    def noted(read: Read) -> Read:
        return read.taken(kind, pick.node)

    ranked = [source for source in scope.sources if _ranks(source.relation, pick)]
    others = {moment for source in scope.sources if ranked and source not in ranked for moment in source.relation.grain}
    theirs = {read for source in ranked for read in source.relation.presence}
    for source in ranked or scope.sources:
        columns = {
            name: replace(value, reads=frozenset(map(noted, value.reads)))
            for name, value in source.relation.columns.items()
        }
        presence = frozenset(map(noted, source.relation.presence))
        source.relation = replace(source.relation, columns=columns, presence=presence)
    scope.presence = frozenset(noted(read) if read in theirs or not ranked else read for read in scope.presence)
    scope.grain = (*moments, *(moment for moment in scope.grain if moment in others and moment not in moments))
    scope.event = scope.event and bool(scope.grain)
    scope.picked = True


def _ranks(relation: Relation, pick: Pick) -> bool:
    """Whether the rows of an entry of FROM are those that are ranked."""
    return any(value.pick is not None and value.pick.node is pick.node for value in relation.columns.values())
