"""What the views that a mapping reads are made of: their SQL, and the engine's plan with all of it spelled out."""

from __future__ import annotations

import re

import duckdb

from sqlscore.database.events_query import NOW
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import SYSTEM, qualified


def users_views(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The SQL of the user's views by quoted name."""
    rows = con.execute(
        """SELECT schema_name, view_name, sql FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal
             AND schema_name <> 'sqlscore' AND NOT starts_with(schema_name, 'sqlscore_') ORDER BY ALL"""
    ).fetchall()
    return {qualified(schema, name): sql for schema, name, sql in rows}


def views_read(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> dict[str, str]:
    """The SQL, without its texts, of the mapped views and of those that these may read, by quoted name."""
    views = users_views(con)
    waiting, seen = [*mapping.relations], dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in views:
            continue
        seen[name] = re.sub(r"'(?:[^']|'')*'", "''", views[name])
        names = {word.casefold() for pair in re.findall(r'"((?:[^"]|"")*)"|(\w+)', seen[name]) for word in pair}
        waiting += [other for other in views if other.rpartition(".")[2].strip('"').casefold() in names]
    return seen


def plan_of(con: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """The engine's plan of a query as JSON, views and macros spelled out; None if it has none, as for files."""
    asked = query.replace(NOW, "make_timestamp(0)")  # written by sqlscore, and the same in every zone
    (plan,) = one(con, f"SELECT CAST({SYSTEM}.json_serialize_plan(?) AS VARCHAR)", [asked]) or (None,)
    return plan if plan is not None and plan.startswith('{"error":false') else None
