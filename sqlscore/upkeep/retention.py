"""How long a file keeps what grows with every run: the record of runs, past scores, and who was assigned to what."""

from __future__ import annotations

from datetime import timedelta

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified

DEFAULT = timedelta(days=400)
"""What `vacuum` keeps of a file in which nobody set a span: a year, and a month to compare it with."""

_KEY = "keep_seconds"
"""In `sqlscore.meta`."""

_WRITTEN_AT = {"past_scores": "scored_at", "interventions": "noted_at"}
"""When a row was written, by the wall clock: scores of old events were not written long ago."""


def stored_span(con: duckdb.DuckDBPyConnection) -> timedelta | None:
    """The span that was set in this file; None if none was, or if somebody changed it."""
    row = one(con, "SELECT TRY_CAST(value AS DOUBLE) FROM sqlscore.meta WHERE key = ?", [_KEY])
    return timedelta(seconds=row[0]) if row and row[0] is not None and 0 < row[0] < 1e11 else None


def store_span(con: duckdb.DuckDBPyConnection, span: timedelta) -> None:
    """Set the span of this file, in the caller's transaction."""
    con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY])
    con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [_KEY, repr(span.total_seconds())])


def cut_runs(con: duckdb.DuckDBPyConnection, span: timedelta) -> int:
    """Delete runs that began longer ago, in the caller's transaction; returns how many.

    Of each verb, mapping and outcome the newest run stays, and so do those that say how events are mapped.
    """
    row = one(
        con,
        """DELETE FROM sqlscore.runs WHERE started_at < ? AND verb <> 'map_events' AND rowid NOT IN (
               SELECT rowid FROM sqlscore.runs
               QUALIFY row_number() OVER (PARTITION BY verb, mapping, status ORDER BY started_at DESC) = 1)""",
        [now() - span],
    )
    return int(row[0]) if row else 0


def cut_tables(con: duckdb.DuckDBPyConnection, mapping: Mapping, span: timedelta) -> dict[str, int]:
    """Delete rows of a mapping that were written longer ago, in the caller's transaction; rows by table."""
    gone = {}
    for name, written_at in _WRITTEN_AT.items():
        if is_table(con, mapping.schema, name):
            row = one(con, f"DELETE FROM {qualified(mapping.schema, name)} WHERE {written_at} < ?", [now() - span])
            gone[f"{mapping.schema}.{name}"] = int(row[0]) if row else 0
    return gone
