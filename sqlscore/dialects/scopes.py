"""Which WITH clauses a place in a query sees, and which of their parts a name means."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def cte_of(table: exp.Table) -> exp.CTE | None:
    """The CTE that a table's name means: the innermost one before it, or the recursive one around it; None if it is a
    table of the file."""
    if table.db or not isinstance(table.this, exp.Identifier):
        return None
    for above, with_ in withs(table):
        for cte in reversed(visible(above, with_, table)):
            if cte.alias.casefold() == table.name.casefold():
                return cte
    return None


def withs(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.With]]:
    """The WITH clauses that a node sees, from the inside out, with the query that has each."""
    above: exp.Expr | None = node
    while above is not None:
        found = above.args.get("with_") or above.args.get("with")
        if isinstance(found, exp.With):
            yield above, found
        above = above.parent


def visible(above: exp.Expr, with_: exp.With, node: exp.Expr) -> list[exp.CTE]:
    """The CTEs of a WITH that a place below it may read: all, or those before the one that it stands in.

    Args:
        above: The query that has the WITH.
        with_: The WITH.
        node: The place.
    """
    inside: exp.Expr = node
    while inside.parent is not None and inside.parent is not with_ and inside is not above:
        inside = inside.parent
    ctes = list(with_.expressions)
    if inside.parent is not with_:
        return ctes
    position = next(i for i, cte in enumerate(ctes) if cte is inside)
    return ctes[: position + (1 if with_.args.get("recursive") else 0)]
