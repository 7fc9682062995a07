"""Queries that stand where a value does: scalar ones, IN and EXISTS."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import NOTHING, Origin, Read, Value, mixed


def scalar(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    """The value of a query of one column."""
    found, correlated = _inner(reader, scope, node)
    if not found.columns:
        return NOTHING
    value = next(iter(found.columns.values()))
    value = value.also(found.presence)
    scope.window_facts |= found.facts
    scope.first += found.first
    scope.last += found.last
    return replace(value, reads=looked_up(value.reads, node) if correlated else value.reads, order=None, pick=None)


def is_in(reader: Reader, scope: Scope, node: exp.Expr) -> Value:
    """EXISTS, and IN a list or a query: a truth value."""
    asked = [] if isinstance(node, exp.Exists) else [reader.value(scope, node.this)]
    query = node.this if isinstance(node, exp.Exists) else node.args.get("query")
    if query is None:
        values = reader.values(scope, node.expressions)
        field = node.args.get("field")
        return mixed([*asked, *values, reader.value(scope, field)], "boolean")
    found, correlated = _inner(reader, scope, query)
    reads = set(found.presence)
    for value in found.columns.values():
        reads |= value.reads
    scope.window_facts |= found.facts
    noted = looked_up(frozenset(reads), node) if correlated else frozenset(reads)
    known = mixed(asked, "boolean")
    return known.also(read for read in noted if not read.var.is_fixed)


def _inner(reader: Reader, scope: Scope, node: exp.Expr) -> tuple[Relation, bool]:
    inner = Scope(outer=scope)
    query = node.this if isinstance(node, exp.Subquery) and node.args.get("alias") is None else node
    return reader.query(inner, query), inner.correlated


def looked_up(reads: frozenset[Read], node: exp.Expr) -> frozenset[Read]:
    """The reads of a query that sees the row around it: they are as those of a join.

    Args:
        reads: What the query reads.
        node: The query.
    """
    kinds = ("scan", "join", "whole", "group")
    return frozenset(
        Read(read.var, Origin("subquery", node, read.origin.what), read.facts) if read.origin.kind in kinds else read
        for read in reads
    )
