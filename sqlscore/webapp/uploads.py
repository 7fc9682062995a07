"""A file of events that somebody uploads, scored: nothing of it enters the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sqlscore.errors import EventsError
from sqlscore.excerpts import excerpt
from sqlscore.quoting import identifier, literal
from sqlscore.webapp.opening import Database
from sqlscore.webapp.sequences import Sequences

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columns:
    """Which columns of a file say who, when and what."""

    user: str
    time: str
    action: str


def header(database: Database, file: Path) -> list[str]:
    """The columns of a CSV file. Raises EventsError if it cannot be read as one."""
    try:
        return [row["column_name"] for row in database.rows(f"DESCRIBE FROM {_read(file)}")]
    except duckdb.Error as error:
        raise EventsError(f"the file cannot be read as CSV: {_first_line(error)}") from error


def guessed(names: list[str]) -> Columns | None:
    """The columns that are named as those of mapped events; None if one of them is not there."""
    wanted = Columns("user_id", "event_time", "event_type")
    return wanted if {wanted.user, wanted.time, wanted.action} <= set(names) else None


def scored(database: Database, sequences: Sequences, file: Path, columns: Columns, model: str) -> pa.Table:
    """One row a user of the file: user_id as it stands there, then the fields of `score_events`.

    Columns that are mapped are read if the file has them under their names. Raises EventsError for a value that is
    not of its column's type, with the value and how many there are.
    """
    known = set(header(database, file))
    _check(database, file, columns.time, "TIMESTAMP")
    chosen = []
    for name, kind in sequences.columns:
        given = {"event_time": columns.time, "event_type": columns.action}.get(name, name)
        if given in known and name not in ("event_time", "event_type"):
            _check(database, file, given, kind)
        value = f"CAST({identifier(given)} AS {kind})" if given in known else f"CAST(NULL AS {kind})"
        chosen.append(f"{value} AS {identifier(name)}")
    events = f"SELECT {identifier(columns.user)} AS uploaded, {{{', '.join(_fields(chosen))}}} AS e FROM {_read(file)}"
    sql = (
        "SELECT user_id, unnest(score) FROM (\n"
        f"    SELECT uploaded AS user_id, list_score_events(list(e), model := ?) AS score\n    FROM ({events})\n"
        "    WHERE uploaded IS NOT NULL GROUP BY uploaded) ORDER BY user_id"
    )
    try:
        return database.table(sql, [model])
    except duckdb.Error as error:
        raise EventsError(_first_line(error)) from error


def _fields(chosen: list[str]) -> list[str]:
    """`value AS "name"` -> `"name": value`, the fields of a struct."""
    return [f"{name}: {value}" for value, name in (each.rsplit(" AS ", 1) for each in chosen)]


def _check(database: Database, file: Path, column: str, kind: str) -> None:
    name = identifier(column)
    sql = (
        f"SELECT count(*) AS n, min({name}) AS example FROM {_read(file)}\n"
        f"WHERE {name} IS NOT NULL AND TRY_CAST({name} AS {kind}) IS NULL"
    )
    row = database.rows(sql)[0]
    if row["n"]:
        raise EventsError(
            f'column "{column}": {row["n"]:,} values are no {kind}, for example "{row["example"]}": '
            "mend them in the file"
        )


def _read(file: Path) -> str:
    return f"read_csv({literal(str(file))}, all_varchar = true)"


def _first_line(error: Exception) -> str:
    return excerpt(str(error).split("\n", 1)[0], 300)
