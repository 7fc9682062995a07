"""Writing score tables: filled aside, put in place of the old one at once, comments kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.quoting import identifier

_ROWS_HELD = 30_000
_ARRIVING = "sqlscore_arriving_rows"


class Appender:
    """Collects Arrow rows and inserts them into a table by name, some ten thousand at a time."""

    def __init__(self, con: duckdb.DuckDBPyConnection, table: str, constants: dict[str, str] | None = None) -> None:
        """table: quoted. constants: SQL expressions for columns that the rows lack."""
        self._con = con
        self._extra = _as_columns(constants)
        self.table = table
        self._held: list[pa.Table] = []
        self.rows = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows; they are in the table after `flush` at the latest."""
        self._held.append(rows)
        self.rows += len(rows)
        if sum(len(held) for held in self._held) >= _ROWS_HELD:
            self.flush()

    def flush(self) -> None:
        """Insert what is held. Never no rows: the engine loses what comes next, as `create_empty` says."""
        if not any(len(held) for held in self._held):
            return
        self._con.register(_ARRIVING, pa.concat_tables(self._held))
        self._con.execute(f"INSERT INTO {self.table} BY NAME SELECT *{self._extra} FROM {_ARRIVING}")
        self._con.unregister(_ARRIVING)
        self._held = []


@contextmanager
def arriving(con: duckdb.DuckDBPyConnection, first: pa.Table, others: Iterable[pa.Table]) -> Iterator[str]:
    """Arrow rows as a relation, by the name that is given, which one statement reads while they are made.

    What `others` raises is raised, not what the engine makes of it.
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
        if failures:  # the engine knows only its text
            raise failures[0] from None
        raise
    finally:
        with suppress(duckdb.TransactionException):  # which would hide what broke the transaction off
            con.unregister(_ARRIVING)


def insert_as_they_come(
    con: duckdb.DuckDBPyConnection,
    table: str,
    first: pa.Table,
    others: Iterable[pa.Table],
    constants: dict[str, str] | None = None,
) -> int:
    """Insert Arrow rows by name with one statement, while they are made; returns how many. table: quoted.

    constants: SQL expressions for columns that the rows lack.
    One statement needs less memory: of rows that several statements of a transaction insert, DuckDB 2.0 holds 70 to 150
    bytes each until the commit, outside its memory_limit; of those of one statement some 25.
    """
    with arriving(con, first, others) as rows:
        inserted = one(con, f"INSERT INTO {table} BY NAME SELECT *{_as_columns(constants)} FROM {rows}")
    return int(inserted[0]) if inserted else 0


def _as_columns(constants: dict[str, str] | None) -> str:
    return "".join(f", {value} AS {identifier(name)}" for name, value in (constants or {}).items())
