"""One of many who ask a guarded file at the same time: a cursor of its own, rows as they come, an end from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from sqlscore.errors import StatementError
from sqlscore.excerpts import engine_message
from sqlscore.guarded_sql.connection import Guarded


@dataclass(frozen=True)
class Shown:
    """A column of an answer. kind: the engine's type; its `id` is the name without parameters."""

    name: str
    kind: Any


class Client:
    """Asks one statement at a time. All but `interrupt` belongs to one thread at a time.

    Args:
        guarded: the file, which stays open.
    """

    def __init__(self, guarded: Guarded) -> None:
        """See the class."""
        self._guarded = guarded
        self._con = guarded.cursor()

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Shown]:
        """Begin a statement of somebody else; the columns of its answer.

        Args:
            sql: its text.
            values: bound to its parameters.

        Raises StatementError if it may not run, or the engine refuses it; the engine's error is its cause.
        """
        self._guarded.check(sql)
        return self.run(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Shown]:
        """Begin a statement of our own; as `ask`, without the guard."""
        try:
            self._con.execute(sql, list(values))
        except duckdb.Error as error:
            raise StatementError(engine_message(error)) from error
        return [Shown(str(column[0]), column[1]) for column in self._con.description or ()]

    def rows(self, most: int) -> list[tuple[Any, ...]]:
        """The next rows of what was begun, at most so many; none once all were given. Raises StatementError."""
        try:
            return self._con.fetchmany(most)
        except duckdb.Error as error:
            raise StatementError(engine_message(error)) from error

    def interrupt(self) -> None:
        """End what runs now, from another thread; nothing happens if nothing runs."""
        self._con.interrupt()

    def drop(self) -> None:
        """Forget what is left of an answer, and what it holds."""
        self._con.close()
        self._con = self._guarded.cursor()

    def close(self) -> None:
        """Close the cursor; the file stays open."""
        self._con.close()
