"""What the engine refuses on tables with triggers, and what drops these, in words."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlscore.database.triggers import EventsTable
from sqlscore.quoting import qualified

_ALWAYS = (
    "MERGE INTO {them} is refused by DuckDB, and so are ALTER TABLE ... RENAME, DROP COLUMN and ALTER ... TYPE: "
    "sqlscore watch --stop first, and watch again after it",
    "CREATE OR REPLACE TABLE drops the triggers without a word, COPY FROM DATABASE and EXPORT DATABASE leave them out: "
    "sqlscore status and refresh say so; watch again",
    "where the file is attached beside another, inserts need USE first: DuckDB looks for what a trigger names in the "
    "session's own database",
)
PLAIN = "a DuckDB without sqlscore cannot insert into {them} any more, until sqlscore watch --stop"
"""What scoring at the insert takes from others."""

_SCORING = (
    "two transactions that insert events of one user at the same time, or one that runs beside a refresh, may "
    "conflict: the second one fails, and is to be run again",
    "only inserts score: scores of users whose events are updated or deleted wait for a refresh",
)
_UPSERTS = "INSERT OR REPLACE and ON CONFLICT DO UPDATE into {them} are refused by DuckDB: delete and insert instead"


def hazards_of(con: duckdb.DuckDBPyConnection, tables: Iterable[EventsTable], score: bool = False) -> tuple[str, ...]:
    """What will be refused once these tables have triggers: upserts are only where there is a key.

    Args:
        con: A connection to the database.
        tables: The tables that get triggers.
        score: Whether triggers also score.
    """
    rows = con.execute(
        """SELECT DISTINCT schema_name, table_name FROM duckdb_constraints()
           WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
           UNION SELECT DISTINCT schema_name, table_name FROM duckdb_indexes()
           WHERE database_name = current_database() AND is_unique"""
    ).fetchall()
    with_keys = {qualified(*row) for row in rows}
    names = [events.relation for events in tables]
    keyed = [name for name in names if name in with_keys]
    found = [text.format(them=", ".join(names)) for text in _ALWAYS]
    if keyed:
        found.insert(1, _UPSERTS.format(them=", ".join(keyed)))
    if score:
        found = [PLAIN.format(them=", ".join(names)), *found, *_SCORING]
    return tuple(found)
