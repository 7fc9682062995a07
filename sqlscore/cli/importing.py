"""A file of events in a database that `init` may have to make: nothing is left of either if mapping fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlscore.quoting import identifier

if TYPE_CHECKING:
    import duckdb


@contextmanager
def undone_on_failure(db: str) -> Iterator[None]:
    """Remove the database file again if it was made for a mapping that then fails."""
    made_here = not Path(db).exists()
    try:
        yield
    except BaseException:
        if made_here:
            Path(db).unlink(missing_ok=True)
            Path(f"{db}.wal").unlink(missing_ok=True)
        raise


@contextmanager
def table_of(
    con: duckdb.DuckDBPyConnection,
    events: str | None,
    name: str,
    copy: bool,
    columns: tuple[str, ...],
    features: tuple[str, ...],
) -> Iterator[str]:
    """What to map: `events` itself, or the table that it is imported as, which is dropped if mapping fails.

    Several sources are named otherwise, and `events` is None then.

    Raises MappingError if the file cannot be imported, or a table of that name has other rows.
    """
    if events is None or not copy:
        yield events or ""
        return
    from sqlscore.mapping.copies import copy_into

    made = copy_into(con, events, name, columns, features)
    try:
        yield name
    except BaseException:
        if made:
            con.execute(f"DROP TABLE {identifier(name)}")
        raise
