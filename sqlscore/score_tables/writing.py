"""Writing score tables: filled aside, put in place of the old one at once, comments kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile

import duckdb
import pyarrow as pa

from sqlscore.events import Mapping
from sqlscore.install import is_table
from sqlscore.queries import create_empty, one
from sqlscore.quoting import identifier, literal, qualified

_VIEW_OF = {"scored_users": "live_scored_users", "scored_sessions": "live_scored_sessions"}
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


class Aside:
    """Arrow rows on disk until their turn to be inserted comes, in a file without a name, which a kill leaves not."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """The file is in the folder of the database, or where temporary files are if that is in memory."""
        path = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
        folder = Path(path[0]).parent if path and path[0] else None
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None

    def add(self, rows: pa.Table) -> None:
        """Take rows, all of the first ones' columns."""
        if self._writer is None:
            self._schema = rows.schema
            self._writer = pa.ipc.new_stream(self._file, rows.schema)
        self._writer.write_table(rows.cast(self._schema))

    def insert(self, con: duckdb.DuckDBPyConnection, table: str, constants: dict[str, str] | None = None) -> int:
        """Insert them all, in their order, as `insert_as_they_come` does; returns how many."""
        if self._writer is None:
            return 0
        self._writer.close()
        self._file.seek(0)
        tables = (pa.Table.from_batches([batch]) for batch in pa.ipc.open_stream(self._file))
        return insert_as_they_come(con, table, next(tables), tables, constants)

    def close(self) -> None:
        """Forget them."""
        self._file.close()


def new_table(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> str:
    """An empty table with the columns of `name` to fill aside; returns its quoted name."""
    staging = qualified(mapping.schema, f"next_{name}")
    view = qualified(mapping.schema, _VIEW_OF[name])
    create_empty(con, staging, f"SELECT *, CAST(NULL AS TIMESTAMP) AS scored_at FROM {view}")
    return staging


def swap_in(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> None:
    """Put the table that `new_table` made in place of `name`, view or table; inside the caller's transaction."""
    target = qualified(mapping.schema, name)
    kind = "TABLE" if is_table(con, mapping.schema, name) else "VIEW"
    comments = _comments(con, mapping, name)
    con.execute(f"DROP {kind} {target}")
    con.execute(f"ALTER TABLE {qualified(mapping.schema, f'next_{name}')} RENAME TO {identifier(name)}")
    for what, comment in comments:
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")


def _comments(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> list[tuple[str, str]]:
    """The comments of a view or table and its columns, which its replacement gets again."""
    target = qualified(mapping.schema, name)
    rows = con.execute(
        """SELECT NULL, comment FROM (SELECT schema_name, view_name AS name, comment FROM duckdb_views()
               WHERE database_name = current_database()
               UNION ALL SELECT schema_name, table_name, comment FROM duckdb_tables()
               WHERE database_name = current_database())
           WHERE schema_name = ? AND name = ? AND comment IS NOT NULL
           UNION ALL SELECT column_name, comment FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = ? AND comment IS NOT NULL""",
        [mapping.schema, name, mapping.schema, name],
    ).fetchall()
    return [
        (f"COLUMN {target}.{identifier(column)}" if column else f"TABLE {target}", comment) for column, comment in rows
    ]
