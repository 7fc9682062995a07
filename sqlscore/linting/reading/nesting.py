"""Joins in parentheses, in which DuckDB writes every join of a view."""

from __future__ import annotations

from sqlglot import exp


def entries(select: exp.Select) -> tuple[exp.Expr, list[exp.Join]] | None:
    """The first entry of FROM and the joins after it, in order, without parentheses; None without FROM.

    Of `a LEFT JOIN (b JOIN c ON x) ON y`, b and c are joined one after the other, each as a side that may be missing.
    """
    source = select.args.get("from_") or select.args.get("from")
    if source is None:
        return None
    first, joins = _opened(source.this)
    return first, [*joins, *_joins_of(select)]


def _opened(node: exp.Expr) -> tuple[exp.Expr, list[exp.Join]]:
    if (
        isinstance(node, (exp.Subquery, exp.Paren))
        and not node.alias
        and isinstance(node.this, (exp.Table, exp.Subquery))
    ):
        first, joins = _opened(node.this)
        return first, [*joins, *_joins_of(node)]
    return node, _joins_of(node)


def _joins_of(node: exp.Expr) -> list[exp.Join]:
    found: list[exp.Join] = []
    for join in node.args.get("joins") or ():
        found += _spread(join)
    for lateral in node.args.get("laterals") or ():
        found.append(exp.Join(this=lateral, kind="CROSS"))
    return found


def _spread(join: exp.Join) -> list[exp.Join]:
    first, inner = _opened(join.this)
    if not inner:
        return [join]
    found = []
    for part in (None, *inner):
        new = exp.Join(**{name: value for name, value in join.args.items() if name not in ("this", "on")})
        conditions = [one.args.get("on") for one in (join, part) if one is not None]
        known = [one.copy() for one in conditions if one is not None]
        new.set("this", first.copy() if part is None else part.this.copy())
        new.set("on", exp.and_(*known) if known else None)
        if part is not None:
            new.set("using", [*(part.args.get("using") or ())] or None)
            new.set("side", join.side or part.side or None)
            new.set("method", part.args.get("method"))
        new.meta.update(join.meta)
        new.parent = join.parent
        found.append(new)
    return found
