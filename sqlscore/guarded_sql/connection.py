"""A connection for statements of other people: read-only, no file but its own, limits on memory, time and rows."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.errors import StatementError
from sqlscore.excerpts import engine_message
from sqlscore.quoting import literals
from sqlscore.statements.checking import Statement, checked
from sqlscore.statements.names import Known
from sqlscore.verbs.connect import connect

if TYPE_CHECKING:
    import pyarrow as pa

_READERS = ("read_", "parquet_scan")
_GLOB = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Limits:
    """What one statement may take. memory: as DuckDB writes it. rows: of an answer; more are cut off."""

    memory: str = "2GB"
    threads: int = 2
    seconds: float = 30.0
    rows: int = 10_000


@dataclass(frozen=True)
class Answer:
    """The rows of a statement. is_cut: whether there are more than the limit."""

    table: pa.Table
    is_cut: bool


class Guarded:
    """A file that other people ask in SQL.

    Whatever passes the guard runs on an engine that opens no other file, loads nothing and takes no setting, so that a
    mistake of the guard alone does no harm. Views over files work: the files that views of the database name can still
    be read. The time limit is looked at between batches of rows: one call of a function is not interrupted.

    Args:
        path: the database file.
        limits: of each statement.
        device: where models run, as `connect` takes it.

    Raises InstallError if the file cannot be read.
    """

    def __init__(self, path: str | Path, limits: Limits = Limits(), device: str = "auto") -> None:
        """Open the file; see the class."""
        self.limits = limits
        self._con = connect(
            path, read_only=True, device=device, memory_limit=limits.memory, threads=limits.threads
        )  # fmt: skip
        try:
            _close_doors(self._con)
            self._known = Known.of(self._con)  # stays, as nobody can write the file meanwhile
        except BaseException:
            self._con.close()
            raise

    def check(self, sql: str) -> Statement:
        """The statement, if it may run. Raises StatementError."""
        with self._con.cursor() as con:
            return checked(con, sql, self._known)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Run a statement of somebody else.

        Args:
            sql: its text.
            values: bound to its parameters.

        Raises StatementError if it may not run, if the engine refuses it, or if it takes longer than the limit.
        """
        with self._con.cursor() as con:
            checked(con, sql, self._known)
        return self.run(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Run a statement of our own, with the same limits. Raises StatementError as `ask` does."""
        with self._con.cursor() as con, _stopped_after(con, self.limits.seconds) as stopped:
            try:
                reader = con.sql(sql, params=list(values)).to_arrow_reader(self.limits.rows + 1)
                table = _first_rows(reader, self.limits.rows + 1)
            except duckdb.Error as error:
                if stopped.is_set():
                    raise StatementError(
                        f"the statement took longer than {self.limits.seconds:g} seconds: ask for less of it", "time"
                    ) from error
                raise StatementError(engine_message(error)) from error
        return Answer(table.slice(0, self.limits.rows), table.num_rows > self.limits.rows)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for our code, on the same closed engine."""
        return self._con.cursor()

    def close(self) -> None:
        """Close the file."""
        self._con.close()

    def __enter__(self) -> Guarded:
        """The connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


def _close_doors(con: duckdb.DuckDBPyConnection) -> None:
    """Leave nothing open but the files that the database's own views read. What is closed stays closed."""
    if con.execute("SELECT current_setting('lock_configuration')").fetchall() == [(True,)]:
        return  # another connection of this process to the same file did it
    read = _files_of_views(con)
    folders = sorted({_GLOB.split(path, maxsplit=1)[0].rpartition("/")[0] for path in read if _GLOB.search(path)})
    plain = sorted(path for path in read if not _GLOB.search(path))
    if plain:
        con.execute(f"SET allowed_paths = [{literals(plain)}]")
    if folders:
        con.execute(f"SET allowed_directories = [{literals(folders)}]")
    for setting in (
        "GLOBAL TimeZone = 'UTC'",
        "enable_external_access = false",
        "python_enable_replacements = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_community_extensions = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


def _files_of_views(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The paths that readers in the bodies of views name."""
    found: set[str] = set()
    for (text,) in con.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall():
        body = text[text.upper().index(" AS ") + 4 :].rstrip().rstrip(";")
        answer = json.loads(con.execute("SELECT json_serialize_sql(?)", [body]).fetchall()[0][0])
        waiting: list[Any] = [answer.get("statements", [])]
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += node
            elif isinstance(node, dict):
                waiting += node.values()
                if str(node.get("function_name", "")).startswith(_READERS):
                    found |= set(_texts(node))
    return found


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        literal = tree.get("literal")
        if isinstance(literal, dict) and literal.get("kind") == "STRING":
            yield str(literal["text"])
        for part in tree.values():
            yield from _texts(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _texts(part)


def _first_rows(reader: pa.RecordBatchReader, most: int) -> pa.Table:
    import pyarrow as pa

    batches, rows = [], 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if rows >= most:
            break
    return pa.Table.from_batches(batches, reader.schema).slice(0, most)


@contextmanager
def _stopped_after(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[threading.Event]:
    """Interrupt what runs on the connection when the time is over; yields whether that happened."""
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        con.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield stopped
    finally:
        timer.cancel()
