"""Comparisons of several columns at once, which DuckDB takes for values in which NULL equals NULL."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.refusal import Refused

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def refuse_pairs(node: exp.Expr) -> None:
    """Nothing if a node compares single values, or columns with those of a query, which each engine takes one by one.

    `(a, b) = (c, d)` holds in DuckDB where b and d are NULL, and is unknown there in SQL. See
    findings/duckdb-row-equality-matches-null.sh.

    Raises Refused for other comparisons of pairs.
    """
    if isinstance(node, exp.In):
        sides = [node.this, *node.expressions]
        query = node.args.get("query")
        inner = query.unnest() if query is not None else None
        if isinstance(inner, exp.Query) and len(inner.selects) > 1:
            return
    elif isinstance(node, _COMPARISONS):
        sides = [node.this, node.expression]
    else:
        return
    if any(isinstance(side.unnest(), exp.Tuple) for side in sides):
        raise Refused("pair", "in DuckDB NULL equals NULL in pairs: compare the columns one by one, a = c AND b = d")
