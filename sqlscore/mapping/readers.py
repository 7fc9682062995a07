"""A mapped view must show the same to everyone who reads it: verbs read in a session of their own, in UTC."""

from __future__ import annotations

import hashlib
import re

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.chance import check_chance, reads_clock
from sqlscore.mapping.elsewhere import OF_FILE, is_table
from sqlscore.mapping.view_texts import plan_of, users_views, views_read
from sqlscore.quoting import identifier, literal

_OF_A_SESSION = ("getvariable", "current_setting", "current_schema", "current_schemas", "in_search_path")
"""Functions whose value another session does not have."""

_OF_A_ZONE = (
    "TIME ZONE",
    "VARIANT",
    '"current_date"',
    '"today"',
    '"age"',
    '"current_localtime',
    '"current_setting"',
    '"getvariable"',
)
"""What a bound query has in it wherever it turns a moment into a local time or back: a type, or a function's name."""

_KEY = "views of "
"""In `sqlscore.meta`, followed by a mapping's name: the hash of the views as they were when they were checked."""


def check_readers(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError if the mapped columns depend on who reads them: scores would too."""
    _check_variables(con, mapping)
    check_chance(con, mapping)
    _check_zone(con, mapping)


def views_changed(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether the mapped view, or another one that it may read, is not as it was when `note_views` was called."""
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = ?", [_KEY + mapping.name])
    return (row[0] if row else None) != _hash_of_views(con, mapping)


def note_views(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Note the views as they are, inside the caller's transaction: `check_readers` found nothing wrong with them."""
    forget_views(con, mapping.name)
    seen = _hash_of_views(con, mapping)
    if seen is not None:
        con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [_KEY + mapping.name, seen])


def forget_views(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    """Delete what was noted of the views of a mapping."""
    con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY + mapping])


def _hash_of_views(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """A hash of all views of the user's, any of which the mapped one may read; None if no view is mapped."""
    views = users_views(con)
    mapped = any(relation in views for relation in mapping.relations)
    return hashlib.sha256(repr(views).encode()).hexdigest() if mapped else None


def _check_variables(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    for name, sql in views_read(con, mapping).items():
        used = next((word for word in _OF_A_SESSION if re.search(rf"(?i)\b{word}\s*\(", sql)), None)
        if used is not None:
            raise MappingError(
                f"view {name} reads {used}(...), which is set in one session and not in another, and sqlscore's verbs "
                "have a session of their own: write the value into the view, or keep it in a table that the view reads"
            )


def _check_zone(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError if the mapped columns depend on the session's time zone: scores would too.

    The events are read in two zones and compared, unless nothing in the query can depend on the zone. A base table
    cannot, so it is not read.
    """
    if all(relation.startswith(OF_FILE) or is_table(con, relation) for relation in mapping.relations):
        return
    names = ", ".join(identifier(name) for name in mapping.read_columns)
    if not (_may_know_the_zone(con, f"SELECT {names} FROM {mapping.relation}") or reads_clock(con, mapping)):
        return

    def content(zone: str) -> object:
        con.execute(f"SET TimeZone = {literal(zone)}")
        return one(con, f"SELECT sum(CAST(hash({names}) AS HUGEINT)), count(*) FROM {mapping.relation}")

    try:
        elsewhere, here, again = content("Pacific/Kiritimati"), content("UTC"), None
        if elsewhere != here:
            again = content("UTC")  # a relation that differs from read to read does so for another reason
    finally:
        con.execute("SET TimeZone = 'UTC'")
    if again is not None and again == here:
        raise MappingError(
            f"{mapping.relation} holds other values in other time zones: it turns TIMESTAMP WITH TIME ZONE into "
            "TIMESTAMP, DATE or text (or back) by the zone of whoever reads it, so that scores would depend on it; say "
            "which zone is meant, for example CAST(ts AT TIME ZONE 'UTC' AS TIMESTAMP)"
        )


def _may_know_the_zone(con: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Whether anything in a query, its views and macros spelled out, may depend on the session's time zone.

    True in doubt: the engine tells the types of queries over tables, and not of those that read files.
    """
    plan = plan_of(con, query)
    return plan is None or any(word in plan for word in _OF_A_ZONE)
