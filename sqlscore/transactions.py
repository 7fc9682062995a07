"""One transaction for everything that changes a database file, and the record of it in `sqlscore.runs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import duckdb

from sqlscore.errors import InstallError


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing. Raises InstallError inside a transaction of the caller's, which is not ours to commit."""
    try:
        con.begin()
    except duckdb.TransactionException as error:
        raise InstallError(
            "this connection is inside a transaction: commit or roll it back first, so that the change is whole"
        ) from error
    try:
        yield
        con.commit()
    except BaseException:
        con.rollback()
        raise


@contextmanager
def recorded(con: duckdb.DuckDBPyConnection, verb: str, mapping: str) -> Iterator[dict[str, Any]]:
    """Write a row to `sqlscore.runs` when the block ends or fails; the block may fill the dict with details."""
    started = now()
    details: dict[str, Any] = {}
    try:
        yield details
    except BaseException as error:
        _write(con, verb, mapping, started, "failed", f"{type(error).__name__}: {error}", details)
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
