"""What the views that a mapping reads are made of: their SQL, and the engine's plan with all of it spelled out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

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


def columns_of_files(con: duckdb.DuckDBPyConnection, views: Iterable[str]) -> set[str]:
    """The columns, lower case, of the files that these views read, by the engine's own parser and readers."""
    found: set[str] = set()
    for sql in views:
        parsed = _parsed(con, re.sub(r"(?is)^\s*CREATE\b.*?\bAS\b", "", sql, count=1))
        for node in _sources(parsed):
            everything = _parsed(con, "SELECT * FROM source")
            everything["statements"][0]["node"]["from_table"] = node
            try:
                (query,) = one(con, f"SELECT {SYSTEM}.json_deserialize_sql(?)", [json.dumps(everything)]) or ("",)
                found |= {name.lower() for name in con.sql(query).columns}
            except duckdb.Error:  # it takes columns of what stands beside it, as unnest does
                continue
    return found


def _parsed(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    (text,) = one(con, f"SELECT CAST({SYSTEM}.json_serialize_sql(?) AS VARCHAR)", [query]) or ("{}",)
    return dict(json.loads(text))


def _sources(node: Any) -> Iterator[dict[str, Any]]:
    """Table functions, and tables that are named like files, anywhere in what the parser returns."""
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION" or (node.get("type") == "BASE_TABLE" and "." in node["table_name"]):
            yield node
        node = list(node.values())
    for part in node if isinstance(node, list) else ():
        yield from _sources(part)
