"""A recursion that counts its steps, written out as one CTE a step: few engines let it rank its own rows."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from sqlglot import exp

from sqlscore.dialects.scopes import cte_of

_MOST = 50  # steps


@dataclass(frozen=True)
class _Counted:
    """A recursive CTE whose rows of step n come from those of step n - 1.

    Attributes:
        column: the name of the counter.
        position: where it stands in the SELECT.
        steps: its values, the first one of the base.
        source: the alias by which the CTE reads itself.
    """

    column: str
    position: int
    steps: tuple[int, ...]
    source: str


def unrolled(con: duckdb.DuckDBPyConnection, query: exp.Expr) -> exp.Expr:
    """The query without recursions that have a counter with a constant end; others stay as they are.

    Args:
        con: A connection to any database, which computes constants.
        query: The query; it is changed.
    """
    for with_ in list(query.find_all(exp.With)):
        if with_.args.get("recursive"):
            for cte in list(with_.expressions):
                counted = _counted(con, cte)
                if counted is not None:
                    _write_out(with_, cte, counted)
            if not any(_reads_itself(cte) for cte in with_.expressions):
                with_.set("recursive", False)
    return query


def _reads_itself(cte: exp.CTE) -> list[exp.Table]:
    return [table for table in cte.find_all(exp.Table) if cte_of(table) is cte]


def _counted(con: duckdb.DuckDBPyConnection, cte: exp.CTE) -> _Counted | None:
    union = cte.this
    readers = _reads_itself(cte)
    if not isinstance(union, exp.Union) or union.args.get("distinct") or len(readers) != 1 or cte.alias_column_names:
        return None
    base, again = union.this, union.expression
    reader = readers[0]
    if not isinstance(base, exp.Select) or not isinstance(again, exp.Select) or reader.parent_select is not again:
        return None
    if not isinstance(reader.parent, exp.From) or reader.parent.parent is not again:
        return None
    for position, (first, next_) in enumerate(zip(base.expressions, again.expressions, strict=False)):
        start, step = first.unalias(), next_.unalias()
        name = first.alias_or_name
        if not (isinstance(start, exp.Literal) and start.is_int and isinstance(step, exp.Add)):
            continue
        added = step.expression
        if not _is_counter(step.this, reader, name) or not (isinstance(added, exp.Literal) and added.is_int):
            continue
        end = _end(con, again, reader, name)
        if end is not None and int(added.name) > 0:
            values = [int(start.name)]
            while values[-1] < end and len(values) <= _MOST:
                values.append(values[-1] + int(added.name))
            return _Counted(name, position, tuple(values), reader.alias_or_name) if len(values) <= _MOST else None
    return None


def _is_counter(node: exp.Expr, reader: exp.Table, name: str) -> bool:
    return isinstance(node, exp.Column) and node.table == reader.alias_or_name and node.name == name


def _end(con: duckdb.DuckDBPyConnection, again: exp.Select, reader: exp.Table, name: str) -> int | None:
    """The number from which on no row is added."""
    where = again.args.get("where")
    for condition in where.this.flatten() if where is not None and isinstance(where.this, exp.And) else [where]:
        condition = condition.this if isinstance(condition, exp.Where) else condition
        if isinstance(condition, (exp.LT, exp.LTE)) and _is_counter(condition.this, reader, name):
            try:
                rows = con.execute(f"SELECT CAST({condition.expression.sql('duckdb')} AS BIGINT)").fetchall()
            except duckdb.Error:  # it depends on rows
                return None
            limit = rows[0][0]
            return None if limit is None else int(limit) + (1 if isinstance(condition, exp.LTE) else 0)
    return None


def _write_out(with_: exp.With, cte: exp.CTE, counted: _Counted) -> None:
    base, again = cte.this.this, cte.this.expression
    names = [one.alias_or_name for one in base.expressions]
    parts = [_part(cte, 1, base.copy())]
    for number, step in enumerate(counted.steps[1:], start=2):
        body = again.copy()
        for column in list(body.find_all(exp.Column)):
            if column.name == counted.column and column.table == counted.source:
                column.replace(exp.Literal.number(counted.steps[number - 2]))
        source = body.args.get("from_") or body.args["from"]
        source.this.set("this", exp.to_identifier(parts[-1].alias))
        source.this.set("alias", exp.TableAlias(this=exp.to_identifier(counted.source)))
        values = [one.unalias() for one in body.expressions]
        values[counted.position] = exp.Literal.number(step)
        body.set("expressions", [exp.alias_(value, name) for value, name in zip(values, names, strict=True)])
        parts.append(_part(cte, number, body))
    union: exp.Expr = exp.select("*").from_(parts[0].alias)
    for part in parts[1:]:
        union = exp.Union(this=union, expression=exp.select("*").from_(part.alias), distinct=False)
    position = with_.expressions.index(cte)
    cte.set("this", union)
    with_.set("expressions", [*with_.expressions[:position], *parts, *with_.expressions[position:]])


def _part(cte: exp.CTE, number: int, body: exp.Expr) -> exp.CTE:
    return exp.CTE(this=body, alias=exp.TableAlias(this=exp.to_identifier(f"{cte.alias}_step_{number}")))
