"""UNION and the like."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlscore.linting.reading.scope import Reader, Scope, ctes_alone
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Moment, Read, Reads, Value
from sqlscore.linting.zones import Fact


def union(reader: Reader, scope: Scope, node: exp.SetOperation) -> Relation:
    """The rows of two queries: of each column, what either reads."""
    left = reader.query(Scope(outer=ctes_alone(scope)), node.left)
    right = reader.query(Scope(outer=ctes_alone(scope)), node.right)
    if isinstance(node, (exp.Except, exp.Intersect)):
        left.presence |= right.presence
        return left
    names = list(left.columns)
    pairs = {
        name: right.columns.get(name)
        if node.args.get("by_name")
        else dict(enumerate(right.columns.values())).get(index)
        for index, name in enumerate(names)
    }
    columns: dict[str, Value] = {}
    facts = left.facts | right.facts
    clocks: dict[Moment, Moment] = {}
    for name, one in left.columns.items():
        other = pairs[name]
        if other is None:
            columns[name] = one
            continue
        tags = (one.tags & other.tags) | ((one.tags | other.tags) & {"label", "score"})
        moment = None
        if one.moment is not None and other.moment is not None:
            fixed = one.moment.var.is_fixed and other.moment.var.is_fixed
            var = reader.fresh("union")
            moment = (
                one.moment
                if one.moment == other.moment
                else Moment(var, grain=min(one.moment.grain, other.moment.grain))
            )
            if moment.var == var:
                clocks[one.moment] = clocks[other.moment] = moment
                if not fixed:
                    facts |= _both(left, right, one.moment, other.moment, moment)
        columns[name] = Value(
            one.reads | other.reads, moment, tags=tags, base=one.base if one.base == other.base else None
        )
    joined = {m.var: clocks[m].var for m in clocks if m.low == m.high == 0.0}

    def of_the_row(reads: Reads) -> Reads:
        return frozenset(Read(joined.get(read.var, read.var), read.origin, read.facts) for read in reads)

    columns = {name: replace(value, reads=of_the_row(value.reads)) for name, value in columns.items()}
    grain = tuple(dict.fromkeys(clocks.get(moment, moment) for moment in (*left.grain, *right.grain)))
    return Relation(
        columns, grain, (), facts, of_the_row(left.presence | right.presence), left.event or right.event, name=left.name
    )


def _both(left: Relation, right: Relation, one: Moment, other: Moment, moment: Moment) -> frozenset[Fact]:
    """Facts that hold of the moment of either side: those of both with fixed moments."""
    found: set[Fact] = set()
    for fact in left.facts:
        for same in right.facts:
            if (fact.left, same.left) == (one.var, other.var) and fact.right == same.right and fact.right.is_fixed:
                found.add(Fact(moment.var, fact.right, max(fact.seconds, same.seconds)))
            if (fact.right, same.right) == (one.var, other.var) and fact.left == same.left and fact.left.is_fixed:
                found.add(Fact(fact.left, moment.var, max(fact.seconds, same.seconds)))
    # What either side reads is bounded by its own moment, which is the moment of the row.
    for side, own in ((left, one), (right, other)):
        for fact in side.facts:
            if fact.right == own.var:
                found.add(Fact(fact.left, moment.var, fact.seconds, fact.strict))
            if fact.left == own.var and not fact.right.is_fixed:
                found.add(Fact(moment.var, fact.right, fact.seconds, fact.strict))
    return frozenset(found)
