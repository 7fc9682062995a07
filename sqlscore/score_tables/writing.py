"""Inserts Arrow rows into tables: in blocks of some ten thousand, or in one statement while they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.quoting import identifier
from sqlscore.score_tables.checksums import Sums, sums_of_changed, together

_ROWS_HELD = 30_000
_ARRIVING = "sqlscore_arriving_rows"


class Appender:
    """Collects Arrow rows and inserts them into a table by name, some ten thousand at a time."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str,
        constants: dict[str, str] | None = None,
        hashed: dict[str, str] | None = None,
    ) -> None:
        """Insert nothing yet.

        Args:
            con: A connection in a transaction.
            table: The quoted name of the table.
            constants: SQL expressions by name, for columns that the rows lack.
            hashed: SQL for the hashes of a row, as `checksums.hashes` gives it: then `sums` has those of all rows.
        """
        self._con = con
        self._hashed = hashed
        self.sums: Sums = {}
        self._extra = _as_columns(constants)
        self.table = table
        self._held: list[pa.Table] = []
        self.rows = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows; after `flush` all of them are in the table."""
        self._held.append(rows)
        self.rows += len(rows)
        if sum(len(held) for held in self._held) >= _ROWS_HELD:
            self.flush()

    def flush(self) -> None:
        """Insert the rows that are held."""
        if not self._held:
            return
        self._con.register(_ARRIVING, pa.concat_tables(self._held))
        insert = f"INSERT INTO {self.table} BY NAME SELECT *{self._extra} FROM {_ARRIVING}"
        if self._hashed is None:
            self._con.execute(insert)
        else:
            self.sums = together(self.sums, sums_of_changed(self._con, insert, self._hashed))
        self._con.unregister(_ARRIVING)
        self._held = []


@contextmanager
def arriving(con: duckdb.DuckDBPyConnection, first: pa.Table, others: Iterable[pa.Table]) -> Iterator[str]:
    """Register Arrow rows as a relation that one statement can read while they are made; yields its name.

    An error in `others` is raised as it is, instead of the engine's error about it.
    """
    failures: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for rows in chain([first], others):
                yield from rows.cast(first.schema).to_batches()
        except BaseException as error:
            failures.append(error)
            raise

    con.register(_ARRIVING, pa.RecordBatchReader.from_batches(first.schema, batches()))
    try:
        yield _ARRIVING
    except duckdb.Error:
        if failures:  # the engine keeps only its text
            raise failures[0] from None
        raise
    finally:
        with suppress(duckdb.TransactionException):  # it would hide the error that aborted the transaction
            con.unregister(_ARRIVING)


def insert_as_they_come(
    con: duckdb.DuckDBPyConnection,
    table: str,
    first: pa.Table,
    others: Iterable[pa.Table],
    constants: dict[str, str] | None = None,
) -> int:
    """Insert Arrow rows by name with one statement while they are made, and return how many.

    One statement needs less memory: until the commit DuckDB 2.0 holds 70 to 150 bytes, outside its memory_limit, for
    each row that several statements of a transaction insert, but only some 25 for each row of a single statement.

    Args:
        con: A connection in a transaction.
        table: The quoted name of the table.
        first: The first rows, from which the columns are known.
        others: All other rows.
        constants: SQL expressions by name, for columns that the rows lack.
    """
    with arriving(con, first, others) as rows:
        inserted = one(con, f"INSERT INTO {table} BY NAME SELECT *{_as_columns(constants)} FROM {rows}")
    return int(inserted[0]) if inserted else 0


def _as_columns(constants: dict[str, str] | None) -> str:
    return "".join(f", {value} AS {identifier(name)}" for name, value in (constants or {}).items())
