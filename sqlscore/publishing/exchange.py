"""One folder in place of another, at once."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exchange(new: Path, old: Path) -> None:
    """Move folder `new` to the name `old`; the folder that was there, if any, is then at `new`.

    On Linux one system call swaps the two names. If it is missing, the old folder is moved away first, and for that
    instant neither is found.
    """
    if not old.exists():
        new.rename(old)
        return
    if _exchanged(new, old):
        return
    aside = new.with_name(f"{new.name}.old")
    old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        aside.rename(old)
        raise
    aside.rename(new)


def _exchanged(new: Path, old: Path) -> bool:
    """Swap by renameat2(2) with RENAME_EXCHANGE; False if the system or the file system does not support it."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old), ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(old))
