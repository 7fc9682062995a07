"""Rewrites of SQL that keep its meaning: what the linter says of a query may not depend on how it is spelled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from sqlglot import exp

Rewrite = Callable[[exp.Expr], exp.Expr]

_SWAPPED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE}


def ctes_inlined(query: exp.Expr) -> exp.Expr:
    """WITH a AS (...) SELECT ... FROM a becomes SELECT ... FROM (...) AS a."""
    for with_ in list(query.find_all(exp.With)):
        if with_.args.get("recursive") or any(cte.args["alias"].columns for cte in with_.expressions):
            continue
        known: dict[str, exp.Expr] = {}
        for cte in with_.expressions:
            body = _inlined(cte.this.copy(), known)
            known[cte.alias.casefold()] = body
        owner = with_.parent
        assert owner is not None  # a WITH stands in a query
        owner.set("with_", None)
        new = _inlined(owner, known)
        if owner is query:
            query = new
    return query


def _is_plain(node: exp.Expr) -> bool:
    """Whether a node is a table by its bare name."""
    return isinstance(node, exp.Table) and not node.db and isinstance(node.this, exp.Identifier)


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name))


def _ctes(query: exp.Expr) -> set[str]:
    return {cte.alias.casefold() for cte in query.find_all(exp.CTE)}


def _inlined(body: exp.Expr, known: dict[str, exp.Expr]) -> exp.Expr:
    def replaced(node: exp.Expr) -> exp.Expr:
        body = known.get(node.name.casefold()) if _is_plain(node) else None
        if body is None:
            return node
        return exp.Subquery(this=body.copy(), alias=_alias(node.alias_or_name), joins=node.args.get("joins"))

    return body.transform(replaced)


def subqueries_hoisted(query: exp.Expr) -> exp.Expr:
    """SELECT ... FROM (SELECT ...) AS a becomes WITH a AS (SELECT ...) SELECT ... FROM a."""
    top = query
    if not isinstance(top, exp.Select) or (top.args.get("with_") and top.args["with_"].args.get("recursive")):
        return query
    taken = {table.name.casefold() for table in top.find_all(exp.Table)} | _ctes(top)
    numbers = count(1)
    found: list[tuple[str, exp.Expr]] = []
    entries = [top.args["from_"].this] if top.args.get("from_") else []
    entries += [join.this for join in top.args.get("joins") or ()]
    for entry in entries:
        if not isinstance(entry, exp.Subquery) or not isinstance(entry.this, exp.Query) or not entry.alias:
            continue
        if entry.args["alias"].columns or any(entry.args.get(name) for name in ("joins", "sample")):
            continue
        if entry.this.args.get("with_"):
            continue
        name = entry.alias if entry.alias.casefold() not in taken else f"part_{next(numbers)}"
        found.append((name, entry.this.copy()))
        entry.replace(exp.Table(this=exp.to_identifier(name), alias=entry.args["alias"]))
    for name, body in found:
        top = top.with_(name, body, copy=False)
    return top


def tables_renamed(query: exp.Expr) -> exp.Expr:
    """Other aliases for tables, where no whole row is meant by one."""
    aliases = {table.alias.casefold() for table in query.find_all(exp.Table, exp.Subquery) if table.alias}
    names = {table.name.casefold() for table in query.find_all(exp.Table)}
    columns = {column.name.casefold() for column in query.find_all(exp.Column) if not column.table}
    new = {name: f"t{index}x" for index, name in enumerate(sorted(aliases - columns - names - _ctes(query)))}
    for node in list(query.walk()):
        is_alias = isinstance(node, exp.TableAlias) and node.this is not None and not isinstance(node.parent, exp.CTE)
        if is_alias and node.name.casefold() in new:
            node.set("this", exp.to_identifier(new[node.name.casefold()]))
        if isinstance(node, exp.Column) and node.table.casefold() in new:
            node.set("table", exp.to_identifier(new[node.table.casefold()]))
    return query


def aliases_given(query: exp.Expr) -> exp.Expr:
    """Tables without an alias get their own name as one."""
    for table in list(query.find_all(exp.Table)):
        if not table.alias and _is_plain(table) and isinstance(table.parent, (exp.From, exp.Join)):
            table.set("alias", _alias(table.name))
    return query


def columns_renamed(query: exp.Expr) -> exp.Expr:
    """Columns that a CTE computes are called otherwise inside the query, and shown under their own names."""
    if not isinstance(query, exp.Select) or not query.args.get("with_") or query.find(exp.Star) is not None:
        return query
    made = {
        one.alias.casefold()
        for cte in query.find_all(exp.CTE)
        if isinstance(cte.this, exp.Select) and not cte.args["alias"].columns
        for one in cte.this.expressions
        if isinstance(one, exp.Alias) and isinstance(one.this, (exp.Sum, exp.Count, exp.Avg, exp.Window))
    }
    using = {one.name.casefold() for join in query.find_all(exp.Join) for one in join.args.get("using") or ()}
    made -= using.union(_COLUMNS)
    outside = {one.alias.casefold() for one in query.expressions if isinstance(one, exp.Alias)}
    new = {name: f"c{index}x" for index, name in enumerate(sorted(made - outside))}
    for one in query.expressions:
        if isinstance(one, exp.Column) and one.name.casefold() in new:
            one.replace(exp.alias_(one.copy(), one.name))
    for node in list(query.walk()):
        if isinstance(node, exp.Column) and node.name.casefold() in new:
            node.set("this", exp.to_identifier(new[node.name.casefold()]))
        if isinstance(node, exp.Alias) and node.alias.casefold() in new and node.parent is not query:
            node.set("alias", exp.to_identifier(new[node.alias.casefold()]))
    return query


_COLUMNS = (
    "user_id", "event_time", "event_type", "price", "brand", "channel", "country", "plan", "signup_at", "as_of",
    "churned", "valid_from", "valid_to", "churn_risk", "order_id", "ordered_at", "amount", "created_at", "severity",
    "ts", "rate", "seen_at", "page", "spend",
)  # fmt: skip
"""Of the tables."""


def joins_turned(query: exp.Expr) -> exp.Expr:
    """FROM a JOIN b ON ... becomes FROM b JOIN a ON ..., where nothing but the order changes."""
    for select in list(query.find_all(exp.Select)):
        source, joins = select.args.get("from_"), select.args.get("joins") or []
        if source is None or len(joins) != 1 or select.args.get("laterals") or source.this.args.get("joins"):
            continue
        (join,) = joins
        named = join.side or join.method or join.args.get("using")
        if named or join.kind.upper() not in ("", "INNER", "CROSS") or select.find(exp.Lateral, exp.Unnest):
            continue
        if any(isinstance(one, exp.Star) for one in select.expressions):
            continue
        if any(isinstance(one, exp.Table) and isinstance(one.this, exp.Func) for one in (source.this, join.this)):
            continue
        if _sees(join.this, source.this):
            continue
        first, second = source.this.copy(), join.this.copy()
        source.set("this", second)
        join.set("this", first)
    return query


def _sees(entry: exp.Expr, other: exp.Expr) -> bool:
    """Whether a query in FROM names what stands before it."""
    name = other.alias_or_name.casefold()
    return isinstance(entry, exp.Subquery) and any(one.table.casefold() == name for one in entry.find_all(exp.Column))


def comparisons_turned(query: exp.Expr) -> exp.Expr:
    """a <= b becomes b >= a, a = b becomes b = a, and a AND b becomes b AND a."""

    def turned(node: exp.Expr) -> exp.Expr:
        for kind, other in _SWAPPED.items():
            if type(node) is kind:
                return other(this=node.expression, expression=node.this)
        if type(node) is exp.EQ and not isinstance(node.parent, (exp.Anonymous, exp.Func)):
            return exp.EQ(this=node.expression, expression=node.this)
        if type(node) is exp.And:
            return exp.And(this=_wrapped(node.expression), expression=_wrapped(node.this))
        return node

    found: exp.Expr = query.transform(turned)
    return found


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Or) else node


def qualify_nested(query: exp.Expr) -> exp.Expr:
    """SELECT ... QUALIFY row_number() OVER (...) = 1 becomes a subquery whose WHERE asks for the number."""
    for select in list(query.find_all(exp.Select)):
        qualify = select.args.get("qualify")
        if qualify is None or not isinstance(qualify.this, exp.EQ) or not isinstance(qualify.this.this, exp.Window):
            continue
        if any(select.args.get(name) for name in ("with_", "distinct", "order", "limit")):
            continue
        inner = select.copy()
        inner.set("qualify", None)
        inner.append("expressions", exp.alias_(qualify.this.this.copy(), "rank_in_group"))
        star = exp.Star(**{"except_": [exp.to_identifier("rank_in_group")]})
        outer = exp.Select(expressions=[star]).from_(exp.Subquery(this=inner, alias=_alias("ranked")))
        outer = outer.where(exp.EQ(this=exp.column("rank_in_group"), expression=qualify.this.expression.copy()))
        if select is query:
            return outer
        select.replace(outer)
    return query


def nested(query: exp.Expr) -> exp.Expr:
    """The whole query as a subquery."""
    if not isinstance(query, exp.Query):
        return query
    return exp.Select(expressions=[exp.Star()]).from_(exp.Subquery(this=query, alias=_alias("outermost")))


def quoted(query: exp.Expr) -> exp.Expr:
    """Every name in quotes."""
    for node in query.find_all(exp.Identifier):
        node.set("quoted", True)
    return query


def shouted(query: exp.Expr) -> exp.Expr:
    """Every name in capital letters."""
    for node in query.find_all(exp.Identifier):
        node.set("this", node.this.upper())
    return query


def qualified(query: exp.Expr) -> exp.Expr:
    """Tables with their schema."""
    ctes = _ctes(query)
    for table in query.find_all(exp.Table):
        if _is_plain(table) and table.name.casefold() not in ctes and not isinstance(table.parent, exp.Create):
            if not table.alias:
                table.set("alias", _alias(table.name))
            table.set("db", exp.to_identifier("main"))
    return query


REWRITES: tuple[Rewrite, ...] = (
    ctes_inlined, subqueries_hoisted, tables_renamed, aliases_given, columns_renamed, joins_turned,
    comparisons_turned, qualify_nested, nested, quoted, shouted, qualified,
)  # fmt: skip
