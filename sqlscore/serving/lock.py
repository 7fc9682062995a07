"""One server a file: a lock beside it, a note that says who holds it, and what the engine's own lock means."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from sqlscore.database.transactions import now
from sqlscore.errors import ServingError
from sqlscore.files import in_place_of, server_files

_ENGINE = re.compile(r"Could not set lock on file|Conflicting lock is held")
_ENGINE_HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


@dataclass(frozen=True)
class Holder:
    """The process that serves a file. since: UTC. url: of its metrics and health, None before it listens."""

    pid: int
    host: str
    since: str
    url: str | None = None


def lock_path(database: str | Path) -> Path:
    """The lock of a database file, beside it."""
    return server_files(database)[0]


def note_path(database: str | Path) -> Path:
    """The note of who holds the lock, beside it too."""
    return server_files(database)[1]


@contextmanager
def sole_server(database: str | Path) -> Iterator[Callable[[str | None], None]]:
    """Hold the lock of a database file; the operating system takes it back from a process that dies.

    Yields a function that notes where the server listens. Raises ServingError if another process holds the lock.
    """
    lock, note = FileLock(lock_path(database)), note_path(database)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ServingError(_served_already(database, holder_of(database))) from None
    mine = Holder(os.getpid(), socket.gethostname(), f"{now():%Y-%m-%d %H:%M:%S}")

    def announce(url: str | None) -> None:
        with in_place_of(note) as partial:
            partial.write_text(json.dumps(asdict(mine) | {"url": url}), encoding="utf-8")

    try:
        announce(None)
        yield announce
    finally:
        note.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows does not remove an open file; there filelock does so on release
            lock_path(database).unlink(missing_ok=True)  # before release: filelock gives nobody a removed file's lock
        lock.release()


def holder_of(database: str | Path) -> Holder | None:
    """The process that the note names, alive or not; None if there is no note."""
    try:
        return Holder(**json.loads(note_path(database).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def explain_lock(error: Exception, database: str | Path) -> str | None:
    """Says why the engine could not open the file, if another process holds it; None for other errors."""
    text = str(error)
    if not _ENGINE.search(text):
        return None
    other = _ENGINE_HOLDER.search(text)
    holder = holder_of(database)
    if holder is not None and (other is None or int(other["pid"]) == holder.pid):
        return (
            f"{database} is held by `sqlscore serve` ({_described(holder)}), which lets nobody else open it: read the "
            f"tables where it publishes them, or stop it first (kill {holder.pid})"
        )
    who = f"{Path(other['program']).name}, pid {other['pid']}" if other else "the engine does not say which"
    return (
        f"{database} is open in another process ({who}), and a DuckDB file has one writer or many readers: close it "
        "there first, for example a notebook, a BI tool or another sqlscore"
    )


def _served_already(database: str | Path, holder: Holder | None) -> str:
    who = _described(holder) if holder else "it has not said yet who it is"
    stop = f", or stop that one first (kill {holder.pid})" if holder else ""
    return f"another scheduler serves {database} already ({who}): leave the work to it{stop}"


def _described(holder: Holder) -> str:
    health = f", {holder.url}/health" if holder.url else ""
    return f"pid {holder.pid} on {holder.host} since {holder.since} UTC{health}"
