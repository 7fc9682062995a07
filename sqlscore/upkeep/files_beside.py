"""Files that a killed process left beside a database."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from sqlscore.files import server_files
from sqlscore.publishing.leftovers import left_by_the_dead


def stale_files(database: Path) -> list[Path]:
    """Locks and notes of servers that are dead, half-written copies, and what the engine spilled to disk."""
    found: list[Path] = []
    lock, note = server_files(database)
    if not _is_held(lock):
        found += [path for path in (lock, note) if path.exists()]
    for partial in left_by_the_dead(database):
        beside = (partial, *(Path(f"{partial}{suffix}") for suffix in (".wal", ".old", ".lock")))
        found += [path for path in beside if path.exists()]
    return found


def remove(paths: list[Path]) -> None:
    """Remove files; one that is gone by now is no error."""
    for path in paths:
        path.unlink(missing_ok=True)


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
