"""A query with every view and macro put in place, so that nothing but tables is read."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import sqlglot
from sqlglot import exp

from sqlscore.dialects.refusal import Refusal, Refused, collecting, note_places
from sqlscore.dialects.scopes import cte_of
from sqlscore.dialects.shipped import Shipped, shipped
from sqlscore.sql.names import SCHEMA

WRITTEN = ("events", "scored_users", "scored_sessions", "past_scores")
"""Names in schema `sqlscore` that stand for tables on the other engine."""

_MADE_BY_MAPPING = ("high_water", "group_high_water", "user_groups")
_DEEPEST = 50  # views over views


def expanded(
    con: duckdb.DuckDBPyConnection, query: exp.Expr, known: Mapping[str, Shipped], refusals: list[Refusal]
) -> exp.Expr:
    """The query over tables alone: the events under `sqlscore.events`, scores under their names, and the user's own.

    Args:
        con: A connection to the file, whose views are read.
        query: The query; it is changed.
        known: The shipped views and macros by name.
        refusals: Receives calls that cannot be put in.
    """
    views = _views(con)
    root = exp.Subquery(this=query)
    for _ in range(_DEEPEST):
        tables = [table for table in root.find_all(exp.Table) if cte_of(table) is None]
        replaced = [_replaced(table, known, views, refusals) for table in tables]
        if not any(replaced):
            break
    for dot in list(root.find_all(exp.Dot)):
        _put_in_scalar(dot, known, refusals)
    inner: exp.Expr = root.this
    inner.pop()
    return inner


def _views(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = con.execute(
        """SELECT lower(schema_name), lower(view_name), sql FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal"""
    ).fetchall()
    return {
        (schema, name): sql
        for schema, name, sql in rows
        if not schema.startswith(SCHEMA) or (schema == SCHEMA and name in _MADE_BY_MAPPING and _reads_views(sql))
    }


def _reads_views(sql: str) -> bool:
    """Whether a view reads what is shipped alone, and no table of the user's in the form that mapping gave it."""
    return all(
        table.db.casefold() == SCHEMA for table in sqlglot.parse_one(sql, read="duckdb").expression.find_all(exp.Table)
    )


def _as_written(tree: exp.Expr) -> exp.Expr:
    """A view's query as a user writes it: DuckDB keeps `count(*)` as `count_star()`, and names schemas of functions."""
    for dot in list(tree.find_all(exp.Dot)):
        if isinstance(dot.expression, exp.Func) and dot.this.sql("duckdb").replace('"', "") == "system.main":
            dot.replace(sqlglot.parse_one(dot.expression.sql("duckdb"), read="duckdb"))
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.casefold() == "count_star":
            call.replace(exp.Count(this=exp.Star()))
    return tree


def _replaced(
    table: exp.Table, known: Mapping[str, Shipped], views: Mapping[tuple[str, str], str], refusals: list[Refusal]
) -> bool:
    """Put a query in place of a view or a call; whether there was one."""
    body = None
    with collecting(refusals, table):
        body = _body(table, known, views)
    if body is None:
        return False
    if isinstance(body, exp.Table):
        body.set("alias", table.args.get("alias"))
        table.replace(body)
    else:
        alias = table.alias or table.name or table.this.name
        named = exp.TableAlias(this=exp.to_identifier(alias))
        table.replace(exp.Subquery(this=body, alias=named, joins=table.args.get("joins")))
    return True


def _body(table: exp.Table, known: Mapping[str, Shipped], views: Mapping[tuple[str, str], str]) -> exp.Expr | None:
    schema, name = table.db.casefold(), table.name.casefold()
    called = table.this.name.casefold() if isinstance(table.this, exp.Anonymous) else name
    if schema == SCHEMA and called not in known and called in shipped():
        raise Refused(
            "group", "events that are mapped with a group (--group) have another query here: map them without"
        )
    if isinstance(table.this, exp.Func):
        call = table.this
        name = call.name.casefold() if isinstance(call, exp.Anonymous) else ""
        if name == "query_table":
            return _named(call.expressions[0])
        if name not in known or schema not in ("", SCHEMA):
            return None
        return known[name].called(call)
    if schema == SCHEMA and name in known and name not in WRITTEN:
        return known[name].called(None)
    text = views.get((schema or "main", name))
    if text is None:
        return None
    created = _as_written(sqlglot.parse_one(text, read="duckdb"))
    body = created.expression
    if not isinstance(created, exp.Create) or not isinstance(body, exp.Query):
        raise Refused("view", "its definition cannot be read: write its query out")
    note_places(body, f"view {table.sql('duckdb')}")
    return body


def _named(value: exp.Expr) -> exp.Expr:
    """The table that `query_table` reads: a text, or a name."""
    if isinstance(value, exp.Column):
        return exp.to_table(value.sql("duckdb"), dialect="duckdb")
    if isinstance(value, exp.Literal) and value.is_string:
        return exp.to_table(value.name, dialect="duckdb")
    raise Refused("macro", "the name of a table must be a text: write it out")


def _put_in_scalar(dot: exp.Dot, known: Mapping[str, Shipped], refusals: list[Refusal]) -> None:
    call = dot.expression
    name = call.name.casefold() if isinstance(call, exp.Anonymous) else ""
    if dot.this.name.casefold() != SCHEMA or name not in known:
        return
    with collecting(refusals, dot):
        dot.replace(exp.paren(known[name].called(call)))
