"""One transaction for everything that changes a database file, and the record of it in `sqlscore.runs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import duckdb

from sqlscore.database.lost_tables import explain, missing_tables
from sqlscore.database.queries import one
from sqlscore.database.sound_rows import require_sound
from sqlscore.errors import InstallError, LostTablesError
from sqlscore.redaction import scrub

P = ParamSpec("P")
R = TypeVar("R")


def on_own_connection(
    verb: Callable[Concatenate[duckdb.DuckDBPyConnection, P], R],
) -> Callable[Concatenate[duckdb.DuckDBPyConnection, P], R]:
    """Decorate a verb so that it runs on a cursor of the caller's connection.

    This leaves the caller's transaction, unread results and settings alone: a failed BEGIN would abort that
    transaction. The verb therefore does not see what the caller has not committed.
    """

    @wraps(verb)
    def run(con: duckdb.DuckDBPyConnection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with cursor_in_utc(con) as own:
            try:
                require_sound(own)
                return verb(own, *args, **kwargs)
            except duckdb.TransactionException as error:
                _refuse_conflict(error)
                raise
            except duckdb.CatalogException as error:
                with con.cursor() as fresh:
                    lost = missing_tables(fresh)
                if not lost:
                    raise
                raise LostTablesError(
                    f"{explain(lost)}; open the file again with sqlscore.connect(), which makes anew what can be"
                ) from error
            except duckdb.InvalidInputException as error:
                if "read-only" not in str(error):
                    raise
                raise InstallError(
                    f"{verb.__name__} changes the file, which was opened read-only: open it without read_only=True"
                ) from error

    return run


@contextmanager
def cursor_in_utc(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own to the same database, in UTC: scores depend on no session's and no machine's zone."""
    with con.cursor() as own:
        try:
            own.execute("SET TimeZone = 'UTC'")
        except duckdb.InvalidInputException:  # the configuration is locked, as `guarded_sql` does
            if own.execute("SELECT current_setting('TimeZone')").fetchall() != [("UTC",)]:
                raise
        yield own


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block; roll back on an error.

    Raises InstallError if another transaction changed the same tables meanwhile.
    """
    con.begin()
    try:
        yield
        con.commit()
    except BaseException as error:
        with suppress(duckdb.TransactionException):  # a failed COMMIT has ended the transaction already
            con.rollback()
        _refuse_conflict(error)
        raise


@contextmanager
def snapshot(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second connection whose queries all see the database as it is now.

    Closing the connection ends its transaction. A rollback would be refused while a scan is open, and that refusal
    would hide the error that stopped the scan.
    """
    with cursor_in_utc(con) as reader:
        reader.begin()
        yield reader


@contextmanager
def recorded(con: duckdb.DuckDBPyConnection, verb: str, mapping: str) -> Iterator[dict[str, Any]]:
    """Write a row to `sqlscore.runs` when the block ends or fails; the block may add details to the dict.

    Passwords are removed from the text of an error.
    """
    started = now()
    details: dict[str, Any] = {}
    try:
        yield details
    except BaseException as error:
        _write(con, verb, mapping, started, "failed", scrub(f"{type(error).__name__}: {error}"), details)
        raise
    _write(con, verb, mapping, started, "ok", None, details)


def now() -> datetime:
    """The wall clock in UTC without zone, as TIMESTAMP columns hold it. Never used for scoring."""
    return datetime.now(UTC).replace(tzinfo=None)


def _refuse_conflict(error: BaseException) -> None:
    """Raise InstallError if the engine's error says that two transactions changed the same tables."""
    if isinstance(error, duckdb.TransactionException) and any(sign in str(error) for sign in _CONFLICTS):
        raise InstallError(
            "another change of the same tables was under way, so nothing was changed: run it again when that change "
            f"is done ({error})"
        ) from error


_CONFLICTS = ("onflict", "different transaction", "another transaction")


def _write(
    con: duckdb.DuckDBPyConnection,
    verb: str,
    mapping: str,
    started: datetime,
    status: str,
    message: str | None,
    details: dict[str, Any],
) -> None:
    con.execute(
        """INSERT INTO sqlscore.runs (verb, mapping, started_at, finished_at, status, message, details)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        [verb, mapping, started, now(), status, message, json.dumps(details, default=str)],
    )
    _cut_back(con, verb, mapping)


KEPT_RUNS = 10_000
"""The newest runs of a verb on a mapping that the record keeps; it is cut back to them once there is a tenth more."""


def _cut_back(con: duckdb.DuckDBPyConnection, verb: str, mapping: str) -> None:
    of_verb = "FROM sqlscore.runs WHERE verb = ? AND mapping IS NOT DISTINCT FROM ?"
    counted = one(con, f"SELECT count(*) {of_verb}", [verb, mapping])
    if counted is None or counted[0] <= KEPT_RUNS * 1.1:
        return
    first = f"SELECT min(started_at) FROM (SELECT started_at {of_verb} ORDER BY started_at DESC LIMIT {KEPT_RUNS})"
    with suppress(duckdb.TransactionException):  # another connection does the same just now
        con.execute(f"DELETE {of_verb} AND started_at < ({first})", [verb, mapping] * 2)
