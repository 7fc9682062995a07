"""Spools Arrow rows to an unnamed temporary file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.score_tables.writing import insert_as_they_come


class Spool:
    """Keeps Arrow rows on disk until it is their turn to be inserted.

    The temporary file has no name, so a killed process leaves nothing behind.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Open the file: beside the database file, or in the temporary folder for a database in memory."""
        path = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
        folder = Path(path[0]).parent if path and path[0] else None
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None

    def add(self, rows: pa.Table) -> None:
        """Take rows; all must have the columns of the first ones."""
        if self._writer is None:
            self._schema = rows.schema
            self._writer = pa.ipc.new_stream(self._file, rows.schema)
        self._writer.write_table(rows.cast(self._schema))

    def insert(self, con: duckdb.DuckDBPyConnection, table: str, constants: dict[str, str] | None = None) -> int:
        """Insert all rows in their order, as `insert_as_they_come` does, and return how many."""
        if self._writer is None:
            return 0
        self._writer.close()
        self._file.seek(0)
        tables = (pa.Table.from_batches([batch]) for batch in pa.ipc.open_stream(self._file))
        return insert_as_they_come(con, table, next(tables), tables, constants)

    def close(self) -> None:
        """Delete the rows."""
        self._file.close()
