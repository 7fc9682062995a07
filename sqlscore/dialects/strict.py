"""The strict pass: each node of a query is rewritten by a rule, is known to mean the same, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from sqlscore.dialects.pairs import refuse_pairs
from sqlscore.dialects.refusal import Refusal, Refused, collecting
from sqlscore.dialects.templates import made
from sqlscore.sql.names import PREFIXED

Rule = Callable[[exp.Expr], exp.Expr | None]
"""Takes a node whose parts are DuckDB's; gives what it is in the target, None if the rule is not about such a node, and
raises Refused where there is nothing that means the same."""


def _as_it_is(query: exp.Expr, _: list[Refusal]) -> exp.Expr:
    return query


@dataclass(frozen=True)
class Dialect:
    """A target.

    Attributes:
        name: as sqlglot and `--dialect` call it.
        same: kinds of nodes that mean the same as they are.
        rules: in order; the first that gives something is taken.
        finish: writes around the text of a query what it needs.
        prepare: changes a resolved query as a whole, before the rules.
        quoted: whether all names are quoted.
    """

    name: str
    same: tuple[type[exp.Expr], ...]
    rules: tuple[Rule, ...]
    finish: Callable[[str], str] = str
    prepare: Callable[[exp.Expr, list[Refusal]], exp.Expr] = _as_it_is
    quoted: bool = False


def converted(query: exp.Expr, dialect: Dialect, refusals: list[Refusal]) -> exp.Expr:
    """The query as the target's.

    Args:
        query: A resolved query; it is changed.
        dialect: The target.
        refusals: Receives what cannot be carried over.
    """
    root = exp.Subquery(this=query)
    waiting: list[exp.Expr] = [query]
    while waiting:
        node = waiting.pop()
        known: exp.Expr | None = node
        if not made(node):
            known = None
            with collecting(refusals, node):
                known = _by_rules(node, dialect)
        if known is not None:  # what is in a refused node may mean something else in another one
            waiting += list(known.iter_expressions())
    inner: exp.Expr = root.this
    inner.pop()
    return inner


def _by_rules(node: exp.Expr, dialect: Dialect) -> exp.Expr:
    refuse_pairs(node)
    for rule in dialect.rules:
        new = rule(node)
        if new is not None:
            if new is not node:
                node.replace(new)
            return new
    if isinstance(node, exp.Anonymous) and node.name.casefold() in PREFIXED:
        raise Refused("model", "it asks a model, which is no SQL: read sqlscore.scored_users or scored_sessions")
    if not isinstance(node, dialect.same):
        what = node.name if isinstance(node, exp.Anonymous) else type(node).__name__
        raise Refused("unknown", f"it is not known whether {what} means the same in {dialect.name}: write it otherwise")
    return node
