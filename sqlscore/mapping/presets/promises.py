"""What a format promises of its tables, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.presets.files import explained
from sqlscore.mapping.presets.sources import Column, Source, names_shown
from sqlscore.quoting import identifier

_FIRST = "TIMESTAMP '2000-01-01'"
_CHECKED = ("BIGINT", "DOUBLE", "TIMESTAMP", "JSON")


class ForeignExportError(MappingError):
    """A table lacks columns of the format.

    Attributes:
        columns: that it has.
    """

    def __init__(self, message: str, columns: tuple[str, ...]) -> None:
        super().__init__(message)
        self.columns = columns


def check_columns(title: str, source: Source, columns: Sequence[Column]) -> None:
    """Raise ForeignExportError if a required column is missing.

    Args:
        title: What the format is called.
        source: The table.
        columns: Those that are read.
    """
    missing = [column.name for column in columns if column.required and not source.has(column.name)]
    if missing:
        raise ForeignExportError(
            f'"{source.what}" is not what {title} delivers: it has no column {names_shown(missing)} '
            f"(columns: {names_shown(source.found)})",
            source.found,
        )


def check_values(con: duckdb.DuckDBPyConnection, title: str, source: Source, columns: Sequence[Column]) -> None:
    """Raise MappingError if the table cannot be read to its end, or a column holds what it should not.

    The values of each column must have its type, and no file may be without values in a required column.

    Args:
        con: A connection to the database.
        title: What the format is called.
        source: The table.
        columns: Those that are read.
    """
    required = [column for column in columns if column.required and source.has(column.name)]
    doubtful = [c for c in columns if source.types.get(c.name) == "VARCHAR" and c.kind in _CHECKED]
    file = "NULL" if source.kind == "table" else "filename"
    counts = ["count(*)", *(f"count({identifier(column.name)})" for column in required)]
    for column in doubtful:
        text = identifier(column.name)
        wrong = f"{text} <> '' AND TRY_CAST({text} AS {column.kind}) IS NULL"
        counts += [f"count(*) FILTER ({wrong})", f"min({text}) FILTER ({wrong})"]
    query = f"SELECT {file}, {', '.join(counts)} FROM {source.with_file} GROUP BY 1 ORDER BY 1"
    try:
        rows = con.execute(query).fetchall()
    except duckdb.Error as error:
        raise explained(con, source.what, source.paths, error) from error
    if not any(row[1] for row in rows):
        raise MappingError(f'"{source.what}" has no rows: give the files of a span of time in which there are events')
    for name, n_rows, *found in rows:
        where = name or source.what
        for column, filled in zip(required, found, strict=False):
            if n_rows and not filled:
                raise MappingError(
                    f'"{where}" is not what {title} delivers: column "{column.name}" is missing or empty in all '
                    f"{n_rows} rows: leave the file out, or export it again"
                )
        pairs = found[len(required) :]
        for column, wrong, value in zip(doubtful, pairs[::2], pairs[1::2], strict=True):
            if wrong:
                raise MappingError(
                    f'"{where}" is not what {title} delivers: column "{column.name}" holds {value!r} in {wrong} of '
                    f"{n_rows} rows, expected {column.kind}: export it again, or correct it in a view and map that"
                )


def check_events(con: duckdb.DuckDBPyConnection, title: str, events: str, ids_of_all: bool) -> tuple[str, ...]:
    """What is odd about the events of the view.

    Args:
        con: A connection to the database.
        title: What the format is called.
        events: SQL that stands in a FROM clause: what the view shows.
        ids_of_all: An id in `event_id` is one user's.

    Raises MappingError if most of the times cannot be.
    """
    n_rows, n_early, earliest, n_late = one(
        con,
        f"""SELECT count(event_time), count(*) FILTER (event_time < {_FIRST}), min(event_time),
                count(*) FILTER (event_time > CAST(timezone('UTC', now()) AS TIMESTAMP) + INTERVAL 1 DAY)
            FROM {events}""",
    ) or (0, 0, None, 0)
    if 2 * (n_early + n_late) > n_rows:
        raise MappingError(
            f"{n_early} of {n_rows} times are before 2000 (the first is {earliest}) and {n_late} in the future, which "
            f"{title} does not deliver: was the unit of the times, or their column, changed on the way?"
        )
    said = []
    if n_early:
        said.append(f"{n_early} of {n_rows} times are before 2000, the first is {earliest}: a clock that was wrong?")
    if ids_of_all:
        (shared,) = one(
            con,
            f"""SELECT count(*) FROM (SELECT event_id FROM {events} WHERE event_id IS NOT NULL AND user_id IS NOT NULL
                GROUP BY event_id HAVING min(user_id) <> max(user_id))""",
        ) or (0,)
        if shared:
            said.append(f"{shared} ids of events stand in rows of several users, and each of these has the event")
    return tuple(said)
