"""Expressions of DuckDB as text, in which names stand for expressions."""

from __future__ import annotations

from sqlglot import exp, parse_one


def from_template(template: str, **parts: exp.Expr) -> exp.Expr:
    """An expression of DuckDB in which `:name` is replaced by an expression, wherever it stands."""

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name in parts:
            return bracketed(parts[node.name].copy())
        return node

    return parse_one(template, dialect="duckdb").transform(put)


def bracketed(node: exp.Expr) -> exp.Expr:
    """The same in brackets, where another operator beside it could take a part of it."""
    return exp.Paren(this=node) if isinstance(node, exp.Binary | exp.Unary | exp.Between | exp.In) else node
