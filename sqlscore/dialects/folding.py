"""Constant conditions decided by DuckDB itself: what a macro checks of its parameters need not be carried over."""

from __future__ import annotations

import math

import duckdb
from sqlglot import exp

from sqlscore.dialects.scopes import cte_of

_NOT_CONSTANT = (exp.Column, exp.Star, exp.Query, exp.AggFunc, exp.Window, exp.Placeholder, exp.Lambda, exp.Identifier)
_DECIDED = (exp.Predicate, exp.Not, exp.And, exp.Or, exp.Coalesce, exp.Case, exp.UnixToTime)
_UNSTEADY = ("now", "random", "uuid", "current_date", "today", "nextval", "getvariable", "current_setting")


def folded(con: duckdb.DuckDBPyConnection, query: exp.Expr) -> exp.Expr:
    """The query without conditions that are the same for every row.

    Args:
        con: A connection to any database.
        query: The query; it is changed.
    """
    root = exp.Subquery(this=query)
    for node in reversed(list(root.walk(bfs=True))):
        if node is root or node.parent is None:
            continue
        simpler = _decided(con, node) if isinstance(node, _DECIDED) and _is_constant(node) else _simplified(node)
        if simpler is not None:
            node.replace(simpler)
    for reduced in list(root.find_all(exp.Anonymous)):
        if reduced.name.casefold() == "list_reduce":
            _unroll(reduced)
    for select in list(root.find_all(exp.Select)):
        if select.root() is root:  # not in one that is written already
            _write_in(con, select)
    for where in list(root.find_all(exp.Where)):
        if isinstance(where.this, exp.Boolean) and where.this.this:
            where.pop()
    inner: exp.Expr = root.this
    inner.pop()
    return inner


def _is_constant(node: exp.Expr) -> bool:
    for inner in node.walk():
        if isinstance(inner, _NOT_CONSTANT) and not _names_a_type(inner):
            return False
        if isinstance(inner, exp.Func) and inner.sql_name().casefold() in _UNSTEADY:
            return False
        if isinstance(inner, exp.Anonymous) and inner.name.casefold() in (*_UNSTEADY, "error"):
            return _error_is_not_reached(node)
    return True


def _names_a_type(node: exp.Expr) -> bool:
    return isinstance(node, exp.Identifier) and isinstance(node.parent, exp.DataType)


def _error_is_not_reached(node: exp.Expr) -> bool:
    """Whether `error(...)` is the only thing that moves: DuckDB then says whether it is reached."""
    return all(inner.name.casefold() not in _UNSTEADY for inner in node.find_all(exp.Anonymous))


def _decided(con: duckdb.DuckDBPyConnection, node: exp.Expr) -> exp.Expr | None:
    """The value as a literal; None if it is of a type that has none, or an error."""
    try:
        relation = con.sql(f"SELECT {node.sql('duckdb')}")
        kind = str(relation.types[0])
        rows = relation.fetchall()
    except duckdb.Error:
        return None
    (value,) = rows[0]
    if value is None:
        return exp.cast(exp.null(), kind, dialect="duckdb") if kind != '"NULL"' else exp.null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if kind == "TIMESTAMP":
        return exp.cast(exp.Literal.string(str(value)), "TIMESTAMP", dialect="duckdb")
    return None


def _simplified(node: exp.Expr) -> exp.Expr | None:
    """A node some of whose parts are constant. Three-valued logic holds: only TRUE, FALSE and NULL are taken out."""
    if isinstance(node, exp.Paren) and isinstance(node.this, (exp.Boolean, exp.Null, exp.Column, exp.Cast, exp.Paren)):
        return node.this
    if isinstance(node, (exp.And, exp.Or)):
        neutral = isinstance(node, exp.And)
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, exp.Boolean):
                return other if bool(one.this) == neutral else one
    if isinstance(node, exp.Coalesce):
        parts = [node.this, *node.expressions]
        kept: list[exp.Expr] = [part for part in parts if not _is_null(part)]
        if len(kept) == 1:
            return kept[0]
    if isinstance(node, exp.Case) and node.args.get("this") is None:
        return _case(node)
    return None


def _case(node: exp.Case) -> exp.Expr | None:
    kept = [branch for branch in node.args["ifs"] if not _never(branch.this)]
    first: exp.Expr = kept[0].args["true"] if kept else node.args.get("default") or exp.null()
    if not kept or (isinstance(kept[0].this, exp.Boolean) and kept[0].this.this):
        return first
    if len(kept) < len(node.args["ifs"]):
        return exp.Case(ifs=kept, default=node.args.get("default"))
    return None


def _never(condition: exp.Expr) -> bool:
    return _is_null(condition) or (isinstance(condition, exp.Boolean) and not condition.this)


def _is_null(node: exp.Expr) -> bool:
    return isinstance(node, exp.Null) or (isinstance(node, exp.Cast) and isinstance(node.this, exp.Null))


def _unroll(reduced: exp.Anonymous) -> None:
    """Write a LIST_REDUCE over a list that is written out as the expression that it computes."""
    values, step = reduced.expressions[0], reduced.expressions[-1]
    kind = values.to if isinstance(values, exp.Cast) else None
    values = values.this if isinstance(values, exp.Cast) else values
    if not isinstance(values, exp.Array) or not isinstance(step, exp.Lambda) or len(reduced.expressions) != 2:
        return
    each = [exp.cast(one, kind.expressions[0]) if kind is not None else one for one in values.expressions]
    before, after = (one.name for one in step.expressions)
    total = each[0]
    for one in each[1:]:
        body = exp.Paren(this=step.this.copy())
        for column in list(body.find_all(exp.Column, exp.Identifier)):
            if column.name in (before, after) and not isinstance(column.parent, exp.Column):
                column.replace((total if column.name == before else one).copy())
        total = body
    reduced.replace(total)


KEPT = frozenset({"models", "meta", "mappings", "versions", "aliases", "champions", "runs", "guards", "leaderboard"})
"""Tables of schema `sqlscore` that are in the DuckDB file alone; what a query reads of them is written into it."""


def _write_in(con: duckdb.DuckDBPyConnection, select: exp.Select) -> None:
    """Put its rows in place of a SELECT that reads nothing but what the file keeps about its models."""
    if not _is_of_models(select):
        return
    try:
        relation = con.sql(select.sql("duckdb"))
        rows, names, types = relation.fetchall(), relation.columns, [str(kind) for kind in relation.types]
    except duckdb.Error:
        return
    if any(kind.removesuffix("[]") not in ("VARCHAR", "DOUBLE", "BOOLEAN", "INTEGER", "BIGINT") for kind in types):
        return
    written = [
        exp.Select(
            expressions=[
                exp.alias_(exp.cast(_constant(value), kind, dialect="duckdb"), name)
                for value, kind, name in zip(row, types, names, strict=True)
            ]
        )
        for row in rows or [tuple(None for _ in types)]
    ]
    query: exp.Expr = written[0] if rows else written[0].where("FALSE")
    for one in written[1:]:
        query = exp.Union(this=query, expression=one, distinct=False)
    select.replace(query)


def _is_of_models(select: exp.Select) -> bool:
    """Whether a SELECT reads tables of `KEPT`, parts of its own WITH, and functions of their columns alone."""
    tables = list(select.find_all(exp.Table))
    for table in tables:
        cte = cte_of(table)
        if cte is not None:
            if not any(one is cte for one in select.find_all(exp.CTE)):
                return False  # of a query around it
        elif isinstance(table.this, exp.Func):
            if table.this.sql_name().casefold() in _UNSTEADY or table.this.name.casefold() not in ("json_tree",):
                return False
        elif table.db.casefold() != "sqlscore" or table.name.casefold() not in KEPT:
            return False
    return any(table.db for table in tables)


def _constant(value: object) -> exp.Expr:
    if isinstance(value, list):
        return exp.Array(expressions=[_constant(one) for one in value])
    if isinstance(value, float) and not math.isfinite(value):
        return exp.Literal.string("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")
    return exp.convert(value)
