"""QUALIFY as a condition around the query. The query is resolved: no alias stands for an expression any more."""

from __future__ import annotations

from sqlglot import exp

_KEPT = "sqlscore_kept"


def without_qualify(query: exp.Expr) -> exp.Expr:
    """The query with each QUALIFY, that of a SELECT without ORDER BY, LIMIT and DISTINCT, as a WHERE around it.

    Args:
        query: A resolved query; it is changed.
    """
    root = exp.Subquery(this=query)
    for select in list(root.find_all(exp.Select)):
        condition = select.args.get("qualify")
        if condition is None or any(select.args.get(key) for key in ("order", "limit", "offset", "distinct")):
            continue
        names = [one.alias_or_name for one in select.expressions]
        select.set("qualify", None)
        with_ = select.args.get("with_")
        place = exp.Placeholder()
        select.replace(place)
        select.set("with_", None)
        select.select(exp.alias_(condition.this, _KEPT), copy=False)
        inner = exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier("sqlscore_rows")))
        columns = [exp.alias_(exp.column(name, table="sqlscore_rows"), name) for name in names]
        outer = exp.Select(expressions=columns).from_(inner).where(exp.column(_KEPT, table="sqlscore_rows"))
        outer.set("with_", with_)
        place.replace(outer)
    inner_query: exp.Expr = root.this
    inner_query.pop()
    return inner_query
