"""The PostgreSQL route: everything in one transaction, from the bulk load to the comparison of what arrived.

Tables are loaded into temporary ones over ADBC's binary COPY, then put in place row by row of the real ones, which
stay the same objects: grants, indexes, comments and views on them stay valid, and readers are never blocked. A reader
sees the old rows or the new ones of all tables. If anything fails, or the connection is lost, the server rolls back,
and nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.errors import PublishError
from sqlscore.extras import optional
from sqlscore.publishing.columns import Column, check_name, columns_of
from sqlscore.publishing.postgres_tables import (
    existing_columns,
    make_publications,
    make_schema,
    note_publication,
    prepare_table,
    set_comments,
)
from sqlscore.publishing.postgres_url import Server
from sqlscore.publishing.replacing import replace_rows
from sqlscore.publishing.report import PublishedTable
from sqlscore.publishing.tables import Source, checksum, provenance, require_same
from sqlscore.quoting import identifier, literal, qualified

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

_BATCH_ROWS = 50_000
_ARRIVED = "sqlscore_arrived"
_LOCK_WAIT = "60s"
_SORT_MEMORY = "64MB"
_LOCK_NOT_AVAILABLE = "55P03"


def to_postgres(
    reader: duckdb.DuckDBPyConnection, server: Server, schema: str, sources: Sequence[Source]
) -> dict[str, PublishedTable]:
    """Publish tables into a schema of a server, which is created if missing; all of them or none.

    Raises PublishError, whose text holds no password.
    """
    check_name(schema, "the schema")
    shapes = [columns_of(source.name, source.columns) for source in sources]
    for source, columns in zip(sources, shapes, strict=True):
        check_name(source.name, "a table")
        _check_times(reader, source, columns)
    with _connected(server) as (connection, cursor):
        cursor.execute(f"SET LOCAL lock_timeout = {literal(_LOCK_WAIT)}")
        cursor.execute(f"SET LOCAL work_mem = {literal(_SORT_MEMORY)}")
        _wait_for_others(cursor, schema)
        make_schema(cursor, schema)
        make_publications(cursor, schema)
        published = {
            source.name: _publish(reader, cursor, schema, source, columns)
            for source, columns in zip(sources, shapes, strict=True)
        }
        connection.commit()
        _tidy(connection, cursor, schema, published)
    return published


def _publish(
    reader: duckdb.DuckDBPyConnection, cursor: Cursor, schema: str, source: Source, columns: tuple[Column, ...]
) -> PublishedTable:
    """Load, put in place, read back and compare one table, inside the transaction."""
    before = existing_columns(cursor, schema, source.name)
    exact = all(column.exact for column in columns)
    if before and exact and before.fits(columns) and _unchanged(reader, cursor, schema, source, columns, before.noted):
        note_publication(cursor, schema, source.name, columns, *before.noted, provenance(reader, source))
        return PublishedTable(*before.noted, 0)
    staged = _load(reader, cursor, source, columns)
    table = prepare_table(cursor, schema, source, columns, before)
    changed = replace_rows(cursor, table, staged, columns, source.key, fresh=before is None)
    set_comments(cursor, table, source, columns, before)
    sent = _compare(reader, cursor, source, table, columns)
    note_publication(cursor, schema, source.name, columns, *sent, provenance(reader, source))
    return PublishedTable(*sent, changed)


def _load(reader: duckdb.DuckDBPyConnection, cursor: Cursor, source: Source, columns: Sequence[Column]) -> str:
    """Bulk-load into a temporary table, which is gone when the transaction is; its quoted name."""
    name = f"sqlscore_staged_{source.name}"[:60]
    staged = qualified("pg_temp", name)
    shape = ", ".join(f"{identifier(column.name)} {column.staged}" for column in columns)
    cursor.execute(f"CREATE TEMPORARY TABLE {identifier(name)} ({shape}) ON COMMIT DROP")
    values = ", ".join(f"{column.value} AS {identifier(column.name)}" for column in columns)
    batches = reader.sql(f"SELECT {values} FROM {source.relation}").to_arrow_reader(_BATCH_ROWS)
    cursor.adbc_ingest(name, batches, mode="append", temporary=True)
    cursor.execute(f"ANALYZE {staged}")
    return staged


def _unchanged(
    reader: duckdb.DuckDBPyConnection,
    cursor: Cursor,
    schema: str,
    source: Source,
    columns: Sequence[Column],
    noted: tuple[int, str],
) -> bool:
    """Whether the table is as it was published last, here and there, so that nothing has to travel."""
    if checksum(reader, source.relation, [column.compared for column in columns]) != noted:
        return False
    table = qualified(schema, source.name)
    cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    return _read_back(reader, cursor, table, columns) == noted


def _compare(
    reader: duckdb.DuckDBPyConnection, cursor: Cursor, source: Source, table: str, columns: Sequence[Column]
) -> tuple[int, str]:
    """Rows and checksum of what was sent. Raises PublishError if a reader of the table gets others."""
    sent = checksum(reader, source.relation, [column.compared for column in columns])
    require_same(source, sent, _read_back(reader, cursor, table, columns))
    return sent


def _read_back(
    reader: duckdb.DuckDBPyConnection, cursor: Cursor, table: str, columns: Sequence[Column]
) -> tuple[int, str]:
    """Rows and checksum of what a reader of the table gets."""
    cursor.execute(f"SELECT {', '.join(column.read_back for column in columns)} FROM {table}")
    reader.register(_ARRIVED, cursor.fetch_record_batch())
    try:
        return checksum(reader, _ARRIVED, [column.compared_back for column in columns])
    finally:
        reader.unregister(_ARRIVED)


def _check_times(reader: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[Column]) -> None:
    """Raises PublishError for times that PostgreSQL or its binary format would change."""
    times = [column for column in columns if column.is_time]
    if not times:
        return
    odd = [f"count(*) FILTER (NOT isfinite({c.value}) OR year({c.value}) < -4712)" for c in times]
    rows = reader.execute(f"SELECT {', '.join(odd)} FROM {source.relation}").fetchall()
    for column, count in zip(times, rows[0], strict=True):
        if count:
            raise PublishError(
                f'column "{column.name}" of {source.name} has {count:,} times that are infinite or before 4713 BC, '
                "which do not travel to PostgreSQL: replace them by NULL in a view, and publish the view"
            )


@contextmanager
def _connected(server: Server) -> Iterator[tuple[Connection, Cursor]]:
    """A connection in a transaction, and its cursor. Errors of the driver are raised without passwords and context."""
    need = "publishing to PostgreSQL needs its ADBC driver"
    dbapi = optional("adbc_driver_postgresql.dbapi", need, extra="publish", error=PublishError)
    message = ""
    try:
        with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
            yield connection, cursor
    except dbapi.Error as error:
        message = f"{server.label}: {_text_of(server, error)}; the tables there are as they were"
    if message:  # raised out here: the driver's error, which may quote what it was given, is no context of it
        raise PublishError(message)


def _text_of(server: Server, error: Any) -> str:
    text = server.scrub(str(error)).strip()
    if getattr(error, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
        return f"another session has held a table for {_LOCK_WAIT}, so nothing was published; try again ({text})"
    return text


def _wait_for_others(cursor: Cursor, schema: str) -> None:
    """One publication into a schema at a time: the next one waits for the one before."""
    cursor.execute(f"SELECT pg_advisory_xact_lock(hashtext('sqlscore.publish'), hashtext({literal(schema)}))")
    cursor.fetchall()


def _tidy(connection: Connection, cursor: Cursor, schema: str, tables: dict[str, PublishedTable]) -> None:
    """Free the space of old rows and update the planner's statistics.

    It blocks no reader. It may fail, since the server does the same later by itself.
    """
    from adbc_driver_manager import Error

    with suppress(Error):
        connection.adbc_connection.set_autocommit(True)
        for name, table in tables.items():
            if table.changed:
                cursor.execute(f"VACUUM (ANALYZE) {qualified(schema, name)}")
