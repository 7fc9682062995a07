"""Every column with its table, every star spelled out, and the types of expressions as DuckDB gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify

from sqlscore.dialects.scopes import cte_of, visible, withs
from sqlscore.errors import TranspileError
from sqlscore.excerpts import engine_message, excerpt
from sqlscore.quoting import qualified

_TYPE = "sqlscore_type"
_TYPED = (
    exp.Column, exp.Cast, exp.Binary, exp.Func, exp.Literal, exp.Neg, exp.Bracket, exp.Paren, exp.Window, exp.Filter,
    exp.Not, exp.Case, exp.Dot, exp.Interval, exp.Array,
)  # fmt: skip


def type_of(node: exp.Expr) -> str | None:
    """DuckDB's type of an expression, such as "DOUBLE" or "VARCHAR[]"; None if it is not known."""
    known = node.meta.get(_TYPE)
    return known if isinstance(known, str) else None


def resolved(con: duckdb.DuckDBPyConnection, query: exp.Expr) -> exp.Expr:
    """The query with qualified columns, without stars and references to whole rows, with types for `type_of`.

    Args:
        con: A connection to the file whose tables are read.
        query: A query over tables alone; it is changed.

    Raises TranspileError if a table or a column is not there.
    """
    schema: dict[str, Any] = {}
    tables = [table for table in query.find_all(exp.Table) if table.db or isinstance(table.this, exp.Identifier)]
    for table in tables:
        columns = _columns(con, table)
        if columns is not None:
            table.set("db", exp.to_identifier(table.db or "main"))
            schema.setdefault(table.db.casefold(), {})[table.name.casefold()] = columns
    _spell_rows_out(con, query)
    try:
        query = qualify(
            query, schema=schema, dialect="duckdb", quote_identifiers=False, identify=False, expand_alias_refs=True
        )
        if not any(select.is_star for select in query.find_all(exp.Select)):  # that of a function is not spelled out
            query = pushdown_projections(query)
    except (OptimizeError, SqlglotError) as error:
        raise TranspileError(f"the query cannot be read: {engine_message(error)}; check that DuckDB runs it") from error
    for select in query.find_all(exp.Select):
        _note_types(con, select)
    for values in query.find_all(exp.Values):
        _note(con, exp.Select(), [node for node in values.walk() if isinstance(node, _TYPED)], grouped=False)
    _tell_apart(query)
    return query


def _tell_apart(query: exp.Expr) -> None:
    """Give each CTE a name of its own: sqlglot moves them to the top for some targets, where equal names would meet."""
    taken: set[str] = set()
    for cte in list(query.find_all(exp.CTE)):
        name, number = cte.alias, 2
        while name.casefold() in taken:
            name, number = f"{cte.alias}_{number}", number + 1
        taken.add(name.casefold())
        if name != cte.alias:
            readers = [table for table in query.find_all(exp.Table) if cte_of(table) is cte]
            for table in readers:
                table.set("this", exp.to_identifier(name))
            cte.args["alias"].set("this", exp.to_identifier(name))


def _columns(con: duckdb.DuckDBPyConnection, table: exp.Table) -> dict[str, str] | None:
    """The columns of a table of the file and their types; None if it is a query's own name or a function."""
    if not isinstance(table.this, exp.Identifier) or cte_of(table) is not None:
        return None
    name = qualified(table.db or "main", table.name)
    try:
        rows = con.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    except duckdb.Error as error:
        raise TranspileError(f"{excerpt(name)} cannot be read: {engine_message(error)}") from error
    return {str(row[0]).casefold(): str(row[1]) for row in rows}


def _spell_rows_out(con: duckdb.DuckDBPyConnection, query: exp.Expr) -> None:
    """Write a reference to a whole row, an alias that stands where a value does, as a struct of its columns."""
    for column in list(query.find_all(exp.Column)):
        select = column.find_ancestor(exp.Select)
        if column.table or select is None or isinstance(column.this, exp.Star):
            continue
        if column.name.casefold() not in (name.casefold() for name in _aliases(select)):
            continue
        described = _described(con, select, [f"{column.sql('duckdb')}.*"], grouped=False)
        if described is None or column.name.casefold() in (name.casefold() for name, _ in described):
            continue  # a column of that name comes first
        fields = [
            exp.PropertyEQ(this=exp.to_identifier(name), expression=exp.column(name, table=column.name))
            for name, _ in described
        ]
        column.replace(exp.Struct(expressions=fields))


def _aliases(select: exp.Select) -> list[str]:
    source = select.args.get("from_") or select.args.get("from")
    sources = ([source.this] if source is not None else []) + [join.this for join in select.args.get("joins") or ()]
    return [source.alias_or_name for source in sources]


def _note_types(con: duckdb.DuckDBPyConnection, select: exp.Select) -> None:
    """Ask DuckDB for the types of what stands in a SELECT, not in the queries inside it."""
    single: list[exp.Expr] = []
    grouped: list[exp.Expr] = []
    for node in _own(select):
        (single if _is_of_rows(node, select) else grouped).append(node)
    for nodes, group in ((single, False), (grouped, True)):
        _note(con, select, nodes, group)


def _note(con: duckdb.DuckDBPyConnection, select: exp.Select, nodes: list[exp.Expr], grouped: bool) -> None:
    if not nodes:
        return
    described = _described(con, select, [node.sql("duckdb") for node in nodes], grouped)
    if described is None and len(nodes) > 1:  # one of them cannot stand alone: halves find which
        half = len(nodes) // 2
        _note(con, select, nodes[:half], grouped)
        _note(con, select, nodes[half:], grouped)
    if described is None and grouped:  # a part of what is grouped by
        described = _described(con, select, [node.sql("duckdb") for node in nodes], grouped=False)
    if described is None:
        described = _described(con, select, [node.sql("duckdb") for node in nodes], grouped, lateral=True)
    for node, (_, kind) in zip(nodes, described or (), strict=False):
        node.meta[_TYPE] = kind


def _own(select: exp.Select) -> Iterator[exp.Expr]:
    """The expressions of a SELECT that have a type, without those of queries and lambdas inside it."""
    waiting = [
        child
        for key, value in select.args.items()
        if key not in ("with_", "with", "from_", "from", "windows", "distinct", "limit", "offset")
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, exp.Expr)
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (exp.Query, exp.Lambda)):
            continue
        if isinstance(node, _TYPED) and not isinstance(node, (exp.PropertyEQ, exp.Alias)):
            yield node
        waiting += list(node.iter_expressions())


def _is_of_rows(node: exp.Expr, select: exp.Select) -> bool:
    """Whether the expression is computed for each row, before any grouping."""
    if any(isinstance(inner, (exp.AggFunc, exp.Window)) for inner in node.walk()):
        return False
    above = node.parent
    while above is not None and above is not select:
        if isinstance(above, (exp.AggFunc, exp.Where, exp.Join, exp.Group)) and not isinstance(
            above.parent, exp.Window
        ):
            return True
        above = above.parent
    return select.args.get("group") is None


def _described(
    con: duckdb.DuckDBPyConnection,
    select: exp.Select,
    expressions: Iterable[str],
    grouped: bool,
    lateral: bool = False,
) -> list[tuple[str, str]] | None:
    """Names and types of expressions in the place of a SELECT's own; None if DuckDB cannot say.

    Args:
        con: A connection to the file.
        select: The SELECT that they stand in.
        expressions: In DuckDB's SQL.
        grouped: Whether they are computed after its GROUP BY.
        lateral: Whether they stand in a SELECT without tables that reads those of the SELECT around it.
    """
    source = select.parent_select if lateral else select
    if source is None or (lateral and (select.args.get("from_") or select.args.get("from"))):
        return None
    bare = exp.Select(expressions=[])
    for key in ("from_", "from", "joins", "laterals", "windows", *(("group",) if grouped else ())):
        value = source.args.get(key)
        if isinstance(value, list):
            bare.set(key, [item.copy() for item in value if not (lateral and item.find(exp.Lateral))])
        elif value is not None:
            bare.set(key, value.copy())
    text = bare.sql("duckdb")
    query = f"SELECT {', '.join(expressions)}{text.removeprefix('SELECT')}"
    for above, with_ in withs(select):
        ctes = visible(above, with_, select)
        if ctes:
            recursive = "RECURSIVE " if with_.args.get("recursive") else ""
            query = f"WITH {recursive}{', '.join(cte.sql('duckdb') for cte in ctes)} SELECT * FROM ({query})"
    try:
        return [(str(row[0]), str(row[1])) for row in con.execute(f"DESCRIBE {query}").fetchall()]
    except duckdb.Error:
        return None
