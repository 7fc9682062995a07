"""The snapshot route: a DuckDB file of tables, written beside the old one, which it then replaces at once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.errors import PublishError
from sqlscore.files import flush, in_place_of
from sqlscore.publishing.leftovers import writing_beside
from sqlscore.publishing.report import PublishedTable
from sqlscore.publishing.tables import PUBLICATIONS, Source, comment_statements, provenance, same
from sqlscore.quoting import identifier, literal, qualified

STORAGE_VERSION = "v1.2.0"
"""The oldest DuckDB that opens the file. Files of DuckDB 2.0's own format are closed to every 1.x."""

_PUBLICATIONS = """(table_name VARCHAR PRIMARY KEY, n_rows BIGINT, checksum VARCHAR, model VARCHAR, as_of TIMESTAMP,
                    published_at TIMESTAMP, published_by VARCHAR)"""


def to_snapshot(
    reader: duckdb.DuckDBPyConnection, path: Path, schema: str, sources: Sequence[Source]
) -> dict[str, PublishedTable]:
    """Write the tables into a new file and move it to `path`. A process that has the old file open keeps it.

    Raises PublishError if `path` is a database that no publication made, or if its folder does not exist.
    """
    path = path.resolve()
    if not path.parent.is_dir():
        raise PublishError(f"there is no folder {path.parent} for the snapshot: make it first")
    _refuse_strangers(reader, path)
    try:
        with in_place_of(path) as partial, writing_beside(path, partial):
            published = _write(reader, partial, schema, sources)
            flush(partial)
    except duckdb.Error as error:
        raise PublishError(f"the snapshot {path.name} could not be written: {error}; nothing was replaced") from error
    return published


def _write(
    reader: duckdb.DuckDBPyConnection, path: Path, schema: str, sources: Sequence[Source]
) -> dict[str, PublishedTable]:
    """Write a new database file, which leaves no write-ahead log behind."""
    catalog = f"sqlscore_snapshot_{uuid4().hex[:8]}"
    version = literal(STORAGE_VERSION)
    try:
        reader.execute(f"ATTACH {literal(str(path))} AS {identifier(catalog)} (STORAGE_VERSION {version})")
        try:
            published = _fill(reader, catalog, schema, sources)
            reader.commit()
        except BaseException:
            reader.rollback()
            raise
        finally:
            reader.execute(f"DETACH {identifier(catalog)}")
    finally:
        Path(f"{path}.wal").unlink(missing_ok=True)
    return published


def _fill(
    reader: duckdb.DuckDBPyConnection, catalog: str, schema: str, sources: Sequence[Source]
) -> dict[str, PublishedTable]:
    """Copy and compare the tables, with their comments."""
    if schema != "main":
        reader.execute(f"CREATE SCHEMA {qualified(catalog, schema)}")
    notes = qualified(catalog, schema, PUBLICATIONS)
    reader.execute(f"CREATE TABLE {notes} {_PUBLICATIONS}")
    reader.execute(f"COMMENT ON TABLE {notes} IS 'What sqlscore published in this file, one row a table'")
    published = {}
    for source in sources:
        table = qualified(catalog, schema, source.name)
        names = [name for name, _ in source.columns]
        reader.execute(f"CREATE TABLE {table} AS SELECT * FROM {source.relation}")
        for statement in comment_statements(source, table, names):
            reader.execute(statement)
        rows, digest = same(reader, source, table, list(map(identifier, names)), list(map(identifier, names)))
        of = provenance(reader, source)
        reader.execute(
            f"INSERT INTO {notes} VALUES (?, ?, ?, ?, CAST(? AS TIMESTAMP), ?, ?)",
            [source.name, rows, digest, of.model, of.as_of, now(), version("sqlscore")],
        )
        published[source.name] = PublishedTable(rows, digest, rows)
    return published


def _refuse_strangers(reader: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raises PublishError if `path` is a file that is not a snapshot: publishing would destroy it."""
    if not path.exists():
        return
    opened = reader.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    if any(Path(row[0]).resolve() == path for row in opened):
        raise PublishError(f"{path.name} is the database itself, or attached to it: publish to another name")
    catalog = f"sqlscore_old_{uuid4().hex[:8]}"
    with reader.cursor() as con:
        try:
            con.execute(f"ATTACH {literal(str(path))} AS {identifier(catalog)} (READ_ONLY)")
        except duckdb.Error as error:
            raise PublishError(
                f"{path.name} exists and cannot be opened, so it is not known whether it may be replaced: {error}; "
                "publish to another name, or move it away"
            ) from error
        query = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?"
        ours = one(con, query, [catalog, PUBLICATIONS])
        con.execute(f"DETACH {identifier(catalog)}")
    if not ours:
        raise PublishError(
            f"{path.name} is a database that sqlscore did not publish, and would be lost: publish to another name, or "
            "move it away"
        )
