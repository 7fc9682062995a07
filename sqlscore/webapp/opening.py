"""The one read-only connection of the app: opened when it is needed, closed when nobody looks.

A file that is open, even for reading, cannot be written by another process. So the app lets it go after a while
without a question: a nightly refresh finds it free.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.transactions import cursor_in_utc
from sqlscore.errors import InstallError, SqlscoreError
from sqlscore.quoting import identifier, literal
from sqlscore.serving.lock import explain_lock
from sqlscore.verbs.connect import connect

if TYPE_CHECKING:
    import pyarrow as pa

IDLE_SECONDS = 60.0
"""After so long without a question the file is closed."""

PATIENCE_SECONDS = 20.0
"""So long what writes waits for questions that are being answered."""

CACHE = "sqlscore_app"
"""The name of the temporary database beside the file, which holds what the pages ask for again and again."""


@dataclass
class Database:
    """A database file that several threads ask. path: the file. device: where models run."""

    path: Path
    device: str = "auto"
    idle_seconds: float = IDLE_SECONDS
    patience_seconds: float = PATIENCE_SECONDS
    _con: duckdb.DuckDBPyConnection | None = None
    _users: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _begun: set[str] = field(default_factory=set)
    _timer: threading.Timer | None = None
    _building: dict[str, threading.Lock] = field(default_factory=dict)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own to the file, in UTC.

        Raises InstallError if another process writes the file, or if the file is not prepared.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._con is None:
                self._con = self._opened()
            self._users += 1
            con = self._con
        try:
            with cursor_in_utc(con) as own:
                yield own
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._lock.notify_all()
                    self._close_later()

    def prepare(self) -> None:
        """Open the file once, for writing if another version of sqlscore prepared it.

        What is wrong with it is then said where the app is started, not in a browser. Raises InstallError.
        """
        try:
            with self.cursor():
                return
        except InstallError:
            _connected(self.path, read_only=False, device=self.device).close()
        with self.cursor():
            return

    def table(self, sql: str, values: Sequence[Any] = ()) -> pa.Table:
        """The rows of a query. values: bound to its parameters."""
        with self.cursor() as con:
            return con.sql(sql, params=list(values)).to_arrow_table()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query, each as a dict by column."""
        found: list[dict[str, Any]] = self.table(sql, values).to_pylist()
        return found

    def cached(self, name: str, sql: str) -> str:
        """The qualified name of a temporary table with the rows of `sql`, made at the first call.

        The table goes when the file is closed, so it never outlives what it was made from. Calls from other threads
        wait for the one that makes it.
        """
        with self._lock:
            lock = self._building.setdefault(name, threading.Lock())
        with lock, self.cursor() as con:
            qualified = f"{CACHE}.main.{identifier(name)}"
            known = con.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?", [CACHE, name]
            ).fetchall()
            if not known:
                con.execute(f"CREATE TABLE {qualified} AS {sql}")
            return qualified

    def soon(self, name: str, work: Callable[[], None]) -> None:
        """Begin work that fills `cached` in a thread of its own, unless that is going on. name: of the work."""
        with self._lock:
            if name in self._begun:
                return
            self._begun.add(name)

        def run() -> None:
            try:
                work()
            except (duckdb.Error, SqlscoreError):
                pass  # whoever asks for it gets the error
            finally:
                with self._lock:
                    self._begun.discard(name)

        threading.Thread(target=run, daemon=True).start()

    @contextmanager
    def written(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write, while nobody reads: the reading one is closed first and opened again later.

        Raises InstallError if questions are being answered for longer than `patience_seconds`, or if another process
        holds the file.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: not self._users, self.patience_seconds):
                raise InstallError("the file is being read just now: try again in a moment")
            self.close()
            con = _connected(self.path, read_only=False, device=self.device)
            try:
                yield con
            finally:
                con.close()

    def close(self) -> None:
        """Close the file. The next question opens it again."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._con is not None and not self._users:
                self._con.close()
                self._con = None
            if self._con is None and self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _opened(self) -> duckdb.DuckDBPyConnection:
        con = _connected(self.path, read_only=True, device=self.device)
        # In memory would be simpler, but a connection that was opened for reading takes no such database.
        self._folder = tempfile.TemporaryDirectory(prefix="sqlscore-app-")
        con.execute(f"ATTACH {literal(str(Path(self._folder.name, 'cache.duckdb')))} AS {CACHE} (READ_WRITE)")
        return con

    def _close_later(self) -> None:
        self._timer = threading.Timer(self.idle_seconds, self.close)
        self._timer.daemon = True
        self._timer.start()


def _connected(path: Path, *, read_only: bool, device: str) -> duckdb.DuckDBPyConnection:
    """A connection; the error for a file that another process holds says which."""
    try:
        return connect(path, read_only=read_only, device=device)
    except duckdb.IOException as error:
        text = explain_lock(error, path)
        if text is None:
            raise
        raise InstallError(text) from error
