"""Joins that few engines have, written with those that all have. The query is resolved: columns name their tables."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.refusal import Refusal, Refused, collecting
from sqlscore.dialects.scopes import cte_of

_NEIGHBOUR = "sqlscore_neighbour"
_MIRRORED: dict[type[exp.Expr], type[exp.Binary]] = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE}


def without_asof(query: exp.Expr, refusals: list[Refusal]) -> exp.Expr:
    """The query with each ASOF JOIN as a join with the span of time for which a row is the nearest.

    A row of the right side is the match from its own time to that of the next row with the same keys. That holds if no
    two such rows share a time, which a GROUP BY or DISTINCT over keys and time shows; else DuckDB takes any of them,
    and the join is refused.

    Args:
        query: A resolved query; it is changed.
        refusals: Receives the joins that are refused.
    """
    for join in list(query.find_all(exp.Join)):
        if (join.method or "").upper() == "ASOF":
            with collecting(refusals, join):
                _write_asof(join)
    return query


def _write_asof(join: exp.Join) -> None:
    condition, alias = join.args.get("on"), join.this.alias_or_name
    if condition is None or not alias:
        raise Refused("asof", "an ASOF JOIN with USING: write ON with the keys and one comparison of times")
    keys: list[exp.Expr] = []
    nearest: exp.Expr | None = None
    parts: list[exp.Expr] = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    for part in (part.unnest() for part in parts):
        if isinstance(part, exp.EQ):
            key = next((side for side in (part.this, part.expression) if _is_of(side, alias)), None)
            if key is None:
                raise Refused("asof", "each key must be a column of the table that is joined")
            keys.append(key)
        elif type(part) in _MIRRORED and nearest is None:
            nearest = part if _is_of(part.expression, alias) else _mirrored(part)
    if nearest is None or not _is_of(nearest.expression, alias) or len(keys) + 1 != len(parts):
        raise Refused("asof", "write equal keys and one comparison with a time of the table that is joined")
    if not _is_unique(join.this, {key.name for key in keys} | {nearest.expression.name}):
        raise Refused(
            "asof",
            "rows of one key and time would be taken in any order: join a query that has one row for each, "
            "with GROUP BY over the keys and the time",
        )
    _write_span(join, alias, keys, nearest)


def _is_of(node: exp.Expr, alias: str) -> bool:
    return isinstance(node, exp.Column) and node.table == alias


def _mirrored(comparison: exp.Expr) -> exp.Expr:
    """`a > b` as `b < a`."""
    return _MIRRORED[type(comparison)](this=comparison.expression, expression=comparison.this)


def _is_unique(source: exp.Expr, names: set[str]) -> bool:
    """Whether no two rows agree in the columns, as far as the form of a query tells."""
    query: exp.Expr | None = source.this if isinstance(source, exp.Subquery) else None
    if isinstance(source, exp.Table):
        cte = cte_of(source)
        query = cte.this if cte is not None else None
    if not isinstance(query, exp.Select):
        return False
    columns = {one.alias_or_name: one.unalias() for one in query.expressions}
    if query.args.get("distinct") is not None and not query.args["distinct"].args.get("on"):
        return set(columns) <= names
    group = query.args.get("group")
    if group is None:
        inner = query.args.get("from_") or query.args.get("from")
        if inner is None or query.args.get("joins") or not all(name in columns for name in names):
            return False
        passed = {columns[name].name for name in names if _is_of(columns[name], inner.this.alias_or_name)}
        return len(passed) == len(names) and _is_unique(inner.this, passed)
    grouped = [one.sql("duckdb") for one in group.expressions]
    selected = {columns[name].sql("duckdb") for name in names if name in columns}
    return bool(grouped) and set(grouped) <= selected


def _write_span(join: exp.Join, alias: str, keys: list[exp.Expr], nearest: exp.Expr) -> None:
    """`a.t >= b.t`, the nearest one, as `a.t >= b.t` and before the next b.t of the same keys."""
    backwards = isinstance(nearest, (exp.GT, exp.GTE))
    time: exp.Expr = nearest.expression
    window = exp.Window(
        this=(exp.Lead if backwards else exp.Lag)(this=time.copy()),
        partition_by=[key.copy() for key in keys],
        order=exp.Order(expressions=[exp.Ordered(this=time.copy(), nulls_first=False)]),
    )
    inner = join.this.copy()
    every = exp.Column(this=exp.Star(), table=exp.to_identifier(alias))
    spans = exp.Select(expressions=[every, exp.alias_(window, _NEIGHBOUR)]).from_(inner)
    join.this.replace(exp.Subquery(this=spans, alias=exp.TableAlias(this=exp.to_identifier(alias))))
    neighbour = exp.column(_NEIGHBOUR, table=alias)
    outers: dict[type[exp.Expr], type[exp.Binary]] = {
        exp.GTE: exp.LT,
        exp.GT: exp.LTE,
        exp.LTE: exp.GT,
        exp.LT: exp.GTE,
    }
    before = outers[type(nearest)](this=nearest.this.copy(), expression=neighbour)
    none = exp.Is(this=neighbour.copy(), expression=exp.null())
    join.set("on", exp.and_(join.args["on"], exp.paren(exp.or_(before, none))))
    join.set("method", None)


def without_semi_joins(query: exp.Expr) -> exp.Expr:
    """The query with SEMI and ANTI joins as EXISTS and NOT EXISTS.

    Args:
        query: A resolved query; it is changed.
    """
    for join in list(query.find_all(exp.Join)):
        select = join.parent
        if (join.kind or "").upper() not in ("SEMI", "ANTI") or not isinstance(select, exp.Select):
            continue
        if join is not select.args["joins"][-1] or join.args.get("on") is None:
            continue  # what follows would read other rows
        inner = exp.Select(expressions=[exp.Literal.number(1)]).from_(join.this.copy()).where(join.args["on"].copy())
        exists: exp.Expr = exp.Exists(this=inner)
        select.where(exists if (join.kind or "").upper() == "SEMI" else exp.not_(exists), copy=False)
        join.pop()
    return query
