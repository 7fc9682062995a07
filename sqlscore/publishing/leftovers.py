"""Removes what a killed publication left beside its target."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = ".lock"


@contextmanager
def writing_beside(target: Path, partial: Path) -> Iterator[None]:
    """Hold a lock for `partial`, which is written beside `target`, after removing what dead publications left there.

    The system releases the lock when the process ends, so what is locked belongs to a publication that is running.
    """
    for left in left_by_the_dead(target):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        for suffix in (".wal", _LOCK):
            Path(f"{left}{suffix}").unlink(missing_ok=True)
    path = Path(f"{partial}{_LOCK}")
    with FileLock(path):
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows does not remove an open file; there filelock does so on release
                path.unlink(missing_ok=True)


def left_by_the_dead(target: Path) -> Iterator[Path]:
    """Files and folders beside `target` that were to take its place, of processes that are gone."""
    name = re.compile(rf"(\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.(?:new|partial))(?:\.wal|\.old|\.lock)?")
    found = {match[1] for path in target.parent.iterdir() if (match := name.fullmatch(path.name))}
    for each in sorted(found):
        path = target.parent / each
        if _is_dead(path):
            yield path


def _is_dead(path: Path) -> bool:
    lock = Path(f"{path}{_LOCK}")
    if not lock.exists():
        return True
    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False
