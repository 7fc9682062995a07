"""What `sqlscore.events` is while no events are mapped under the default name: empty at first, an error later."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import DEFAULT_MAPPING

NOTHING_MAPPED = (
    "error('no events are mapped in this file: run `sqlscore init DB --events TABLE ...`, or "
    "sqlscore.map_events(con, ...) in Python')"
)
"""SQL that raises."""

_UNMAPPED = "unmapped"
"""The key in `sqlscore.meta`."""


def was_mapped(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether events had been mapped in this file, and no longer are."""
    return one(con, "SELECT 1 FROM sqlscore.meta WHERE key = ?", [_UNMAPPED]) is not None


def note_unmapped(con: duckdb.DuckDBPyConnection, unmapped: bool) -> None:
    """Note that the default mapping is gone, or is there, inside the caller's transaction.

    What reads it raises from then on: no rows would be taken for no customers. In a new file there are none yet.
    """
    con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_UNMAPPED])
    if unmapped:
        con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [_UNMAPPED, DEFAULT_MAPPING])


def no_events(con: duckdb.DuckDBPyConnection) -> str:
    """A query with the canonical columns, which has no rows in a new file, and raises where events had been mapped."""
    columns = (("user_id", "VARCHAR"), ("event_time", "TIMESTAMP"), ("event_type", "VARCHAR"))
    if not was_mapped(con):
        # Neither a false condition nor constants: they are seen when a query is planned, and a macro that is called
        # here and belongs to another file would not look whose events these are.
        empty = ", ".join(f"CAST(CAST(i AS VARCHAR) AS {kind}) AS {name}" for name, kind in columns)
        return f"SELECT {empty} FROM range(0) AS t(i)"
    # In every column too, since a condition on a NULL would be false before anything is raised.
    raising = ", ".join(f"CAST({NOTHING_MAPPED} AS {kind}) AS {name}" for name, kind in columns)
    return f"SELECT {raising} WHERE {NOTHING_MAPPED}"
