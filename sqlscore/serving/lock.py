"""One server a file: a lock beside it that says who holds it, and what the engine's own lock means."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlscore.database.transactions import now
from sqlscore.errors import ServingError

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
    """The lock of a database file: beside it, the same under whatever name the file is reached."""
    path = Path(database).resolve()
    return path.with_name(f"{path.name}.serve.lock")


@contextmanager
def sole_server(database: str | Path) -> Iterator[Callable[[str | None], None]]:
    """Hold the lock of a database file; the operating system takes it back from a process that dies.

    Gives a function that notes where the server listens. Raises ServingError where another process holds the lock.
    """
    path = lock_path(database)
    descriptor = _locked(path, database)
    mine = Holder(os.getpid(), socket.gethostname(), f"{now():%Y-%m-%d %H:%M:%S}")

    def announce(url: str | None) -> None:
        text = json.dumps(asdict(mine) | {"url": url}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)

    try:
        announce(None)
        yield announce
    finally:
        path.unlink(missing_ok=True)  # while the lock is held: nobody else can have taken this very file
        os.close(descriptor)


def _locked(path: Path, database: str | Path) -> int:
    """A descriptor that holds the lock. The file that was locked may be one that its owner has just taken away."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ServingError(_served_already(database, holder_of(database))) from None
        try:
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def holder_of(database: str | Path) -> Holder | None:
    """Who is noted in the lock, alive or not; None where there is no note."""
    try:
        return Holder(**json.loads(lock_path(database).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def explain_lock(error: Exception, database: str | Path) -> str | None:
    """What it means that the engine could not open the file, where the reason is another process; else None."""
    text = str(error)
    if not _ENGINE.search(text):
        return None
    found = _ENGINE_HOLDER.search(text)
    holder = holder_of(database)
    if holder is not None and (found is None or int(found["pid"]) == holder.pid):
        return (
            f"{database} is held by `sqlscore serve` ({_described(holder)}), which lets nobody else open it: read the "
            f"tables where it publishes them, or stop it first (kill {holder.pid})"
        )
    who = f"{Path(found['program']).name}, pid {found['pid']}" if found else "the engine does not say which"
    return (
        f"{database} is open in another process ({who}), and a DuckDB file has one writer or many readers: close it "
        "there first, for example a notebook, a BI tool or another sqlscore"
    )


def _served_already(database: str | Path, holder: Holder | None) -> str:
    who = _described(holder) if holder else "it has not said yet who it is"
    stop = f", or stop that one first (kill {holder.pid})" if holder else ""
    return f"another scheduler serves {database} already ({who}): leave the work to it{stop}"


def _described(holder: Holder) -> str:
    where = f", {holder.url}/health" if holder.url else ""
    return f"pid {holder.pid} on {holder.host} since {holder.since} UTC{where}"
