"""Files that are written whole or not at all, and never over a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlscore.errors import OutputError

if TYPE_CHECKING:
    import duckdb


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to. When the block ends, the file takes the place of `path`.

    If the block fails, the file is removed and `path` is as it was. Devices and pipes are written to directly.
    Raises OutputError if the folder does not exist.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.parent}")
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def server_files(database: str | Path) -> tuple[Path, Path]:
    """The lock of the one server of a database file, and the note of who holds it: the same whatever name is used.

    They are two files, since Windows lets nobody read a locked one.
    """
    path = Path(database).resolve()
    return path.with_name(f"{path.name}.serve.lock"), path.with_name(f"{path.name}.serve.json")


def flush(path: Path) -> None:
    """Wait until the bytes of a file are on the disk, so that after a power cut its name does not stand for none."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def refuse_databases(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raises OutputError if `path` is a database that this connection has open, or its write-ahead log."""
    rows = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    taken = {Path(f"{row[0]}{suffix}").resolve() for row in rows for suffix in ("", ".wal")}
    if path.resolve() in taken:
        raise OutputError(f"{path} is the database itself: name another file")
