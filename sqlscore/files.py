"""Files that are written whole or not at all, and never over a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlscore.errors import OutputError

if TYPE_CHECKING:
    import duckdb


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; the file takes its place when the block ends, and is gone where that fails.

    Devices and pipes are written to as they are. Raises OutputError where there is no such folder.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.parent}")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def refuse_databases(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raises OutputError where `path` is a database that is open here."""
    rows = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    taken = {Path(f"{row[0]}{suffix}").resolve() for row in rows for suffix in ("", ".wal")}
    if path.resolve() in taken:
        raise OutputError(f"{path} is the database itself: name another file")
