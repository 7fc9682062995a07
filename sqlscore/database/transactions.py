"""One transaction for everything that changes a database file, and the record of it in `sqlscore.runs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import duckdb

from sqlscore.errors import InstallError
from sqlscore.redaction import scrub

P = ParamSpec("P")
R = TypeVar("R")


def on_own_connection(
    verb: Callable[Concatenate[duckdb.DuckDBPyConnection, P], R],
) -> Callable[Concatenate[duckdb.DuckDBPyConnection, P], R]:
    """Run a verb on a cursor of the caller's connection.

    The caller's transaction, unread results and settings are left alone: a failed BEGIN would abort their transaction.
    What the caller has not committed is therefore not seen.
    """

    @wraps(verb)
    def run(con: duckdb.DuckDBPyConnection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with con.cursor() as own:
            try:
                return verb(own, *args, **kwargs)
            except duckdb.TransactionException as error:
                if "onflict" not in str(error) and "different transaction" not in str(error):
                    raise
                raise InstallError(
                    f"{verb.__name__} met another change of the same tables, and has changed nothing: run it again "
                    f"when that is done ({error})"
                ) from error
            except duckdb.InvalidInputException as error:
                if "read-only" not in str(error):
                    raise
                raise InstallError(
                    f"{verb.__name__} changes the file, which was opened read-only: open it without read_only=True"
                ) from error

    return run


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    con.begin()
    try:
        yield
        con.commit()
    except BaseException:
        con.rollback()
        raise


@contextmanager
def snapshot(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second connection whose queries all see the database as it is now.

    Closing the connection ends its transaction. A rollback would be refused while a scan is open, and that refusal
    would hide the error that broke the scan off.
    """
    with con.cursor() as reader:
        reader.begin()
        yield reader


@contextmanager
def recorded(con: duckdb.DuckDBPyConnection, verb: str, mapping: str) -> Iterator[dict[str, Any]]:
    """Write a row to `sqlscore.runs` when the block ends or fails; the block may fill the dict with details.

    Of an error's text, passwords are left out.
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
        "INSERT INTO sqlscore.runs VALUES (?, ?, ?, ?, ?, ?, ?)",
        [verb, mapping, started, now(), status, message, json.dumps(details, default=str)],
    )
