"""Rows of texts whose columns become known while they are read; they wait on disk until all columns are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import duckdb
import numpy as np
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.errors import MappingError

_ROWS_HELD = 20_000
_MAX_COLUMNS = 1_000
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass
class _Cells:
    """Those cells of a column that have a value, among the rows that are held."""

    rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


class Spool:
    """Keeps rows in an unnamed file, so that memory does not grow with them and a killed process leaves nothing.

    A row has whole numbers in columns that are known at first, and texts in columns that come as they come. Such
    a column is known by a kind and a key, and its name in what is read back is both: "int" and "price" are "int price".
    """

    def __init__(self, folder: Path | None, numbers: tuple[str, ...]) -> None:
        """Open the file.

        Args:
            folder: Where the file is; None for the system's temporary folder.
            numbers: Names of the columns of whole numbers.
        """
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
        self._numbers: dict[str, list[int]] = {name: [] for name in numbers}
        self._cells: defaultdict[str, defaultdict[str, _Cells]] = defaultdict(lambda: defaultdict(_Cells))
        self._held = 0
        self._starts: list[int] = []
        self.n_rows = 0

    def put(self, kind: str, key: str, value: str) -> None:
        """Give the row that is being made a value; a second one of this kind and key takes the place of the first."""
        cells = self._cells[kind][key]
        cells.rows.append(self._held)
        cells.values.append(value)

    def end_row(self, *numbers: int) -> None:
        """The row is complete, with these in its columns of whole numbers."""
        for column, number in zip(self._numbers.values(), numbers, strict=True):
            column.append(number)
        self._held += 1
        self.n_rows += 1
        if self._held == _ROWS_HELD:
            self._write()

    @property
    def keys(self) -> dict[str, list[str]]:
        """The kinds of each key's columns, in the order in which they came."""
        found: dict[str, list[str]] = {}
        for kind, columns in self._cells.items():
            for key in columns:
                found.setdefault(key, []).append(kind)
        return found

    @contextmanager
    def relation(self, con: duckdb.DuckDBPyConnection, name: str) -> Iterator[str]:
        """Register all rows under a name that one statement can read once; yields the name."""
        self._write()
        texts = [f"{kind} {key}" for key, kinds in self.keys.items() for kind in kinds]
        schema = pa.schema([*((name, pa.int64()) for name in self._numbers), *((name, pa.string()) for name in texts)])
        con.register(name, pa.RecordBatchReader.from_batches(schema, self._batches(schema)))
        try:
            yield name
        finally:
            with suppress(duckdb.TransactionException):  # it would hide the error that aborted the transaction
                con.unregister(name)

    def close(self) -> None:
        """Delete the rows."""
        self._file.close()

    def _write(self) -> None:
        if not self._held:
            return
        columns: dict[str, pa.Array] = {name: pa.array(numbers) for name, numbers in self._numbers.items()}
        for kind, by_key in self._cells.items():
            for key, cells in by_key.items():
                if cells.rows:
                    place = np.full(self._held, -1)
                    place[cells.rows] = np.arange(len(cells.rows))
                    columns[f"{kind} {key}"] = pa.array(cells.values, pa.string()).take(pa.array(place, mask=place < 0))
                    cells.rows.clear()
                    cells.values.clear()
        for numbers in self._numbers.values():
            numbers.clear()
        if len(columns) > _MAX_COLUMNS:
            raise MappingError(
                f"the log has more than {_MAX_COLUMNS} different attributes, for example {list(columns)[-1]!r}: a "
                "value seems to stand where its key should; write the log again without these"
            )
        batch = pa.record_batch(columns)
        self._starts.append(self._file.tell())
        with pa.ipc.new_stream(self._file, batch.schema, options=_PACKED) as writer:
            writer.write_batch(batch)
        self._held = 0

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for start in self._starts:
            self._file.seek(start)
            with pa.ipc.open_stream(self._file) as stored:
                for batch in stored:
                    there = {name: batch.column(name) for name in batch.schema.names}
                    columns = [there[f.name] if f.name in there else pa.nulls(len(batch), f.type) for f in schema]
                    yield pa.record_batch(columns, schema=schema)


def folder_of(con: duckdb.DuckDBPyConnection) -> Path | None:
    """The folder of the database file; None for a database in memory."""
    path = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    return Path(path[0]).parent if path and path[0] else None
