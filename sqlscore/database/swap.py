"""Replaces a score table by a new one, which keeps the comments."""

from __future__ import annotations

import duckdb

from sqlscore.database.derived_columns import DERIVED, create_like
from sqlscore.database.materialized import is_table
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.sql.objects import objects

_THERE = """SELECT 1 FROM information_schema.tables
            WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?"""
_VIEW_OF = {"scored_users": "live_scored_users", "scored_sessions": "live_scored_sessions"}


def new_table(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, active_within: float | None = None) -> str:
    """Make an empty table with the columns of `name`, to be filled before `swap_in`; returns its quoted name.

    active_within: seconds in which users of `scored_users` are active, as `derived_columns.definitions` takes it.
    """
    if not con.execute(_THERE, [mapping.schema, name]).fetchall():  # somebody dropped it
        make_view(con, mapping, name)
    staging = qualified(mapping.schema, f"next_{name}")
    view = qualified(mapping.schema, _VIEW_OF[name])
    if name == "scored_users":
        stored = f"SELECT * EXCLUDE ({', '.join(DERIVED)}), CAST(NULL AS TIMESTAMP) AS scored_at FROM {view}"
        create_like(con, staging, stored, active_within)
        return staging
    con.execute(f"CREATE TABLE {staging} AS SELECT *, CAST(NULL AS TIMESTAMP) AS scored_at FROM {view} WITH NO DATA")
    return staging


def make_view(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> None:
    """Make the view that stands for a score table before it is written, inside the caller's transaction."""
    view = next(item for item in objects() if item.name == name)
    con.execute(view.for_schema(mapping.schema, mapping.prefix, mapping.order, mapping.group))


def swap_in(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> None:
    """Replace the view or table `name` by the table that `new_table` made, inside the caller's transaction."""
    target = qualified(mapping.schema, name)
    if not con.execute(_THERE, [mapping.schema, name]).fetchall():
        make_view(con, mapping, name)  # somebody dropped it: the view has the comments
    kind = "TABLE" if is_table(con, mapping.schema, name) else "VIEW"
    comments = _comments(con, mapping, name)
    con.execute(f"DROP {kind} {target}")
    con.execute(f"ALTER TABLE {qualified(mapping.schema, f'next_{name}')} RENAME TO {identifier(name)}")
    for what, comment in comments:
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")


def _comments(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> list[tuple[str, str]]:
    """(what, comment) of a view or table and of its columns, with `what` as COMMENT ON names it for the new table."""
    target = qualified(mapping.schema, name)
    rows = con.execute(
        """SELECT NULL, comment FROM (SELECT schema_name, view_name AS name, comment FROM duckdb_views()
               WHERE database_name = current_database()
               UNION ALL SELECT schema_name, table_name, comment FROM duckdb_tables()
               WHERE database_name = current_database())
           WHERE schema_name = ? AND name = ? AND comment IS NOT NULL
           UNION ALL SELECT column_name, comment FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = ? AND comment IS NOT NULL""",
        [mapping.schema, name, mapping.schema, name],
    ).fetchall()
    return [
        (f"COLUMN {target}.{identifier(column)}" if column else f"TABLE {target}", comment) for column, comment in rows
    ]
