"""OCEL 2.0 in SQLite, read by Python's own sqlite3: DuckDB needs no extension for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.ocel import OCEL_1, Ocel
from sqlscore.quoting import identifier

_NEEDED = {
    "event": ("ocel_id", "ocel_type"),
    "object": ("ocel_id", "ocel_type"),
    "event_object": ("ocel_event_id", "ocel_object_id"),
    "event_map_type": ("ocel_type", "ocel_type_map"),
}
_SHOWN = 12


def read_ocel_sqlite(path: Path, log: Ocel) -> None:
    """Read the events, objects and links of a file.

    Args:
        path: The file, which is opened for reading only.
        log: Takes them.

    Raises MappingError if the file is damaged, or no OCEL 2.0.
    """
    unwritten = path.with_name(f"{path.name}-wal")  # what another program has not moved into the file yet
    immutable = "" if unwritten.exists() and unwritten.stat().st_size else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{immutable}", uri=True)) as con:
            con.execute("PRAGMA trusted_schema = OFF")
            tables = _tables(con)
            _check(path, tables)
            for identity, kind in con.execute("SELECT ocel_id, ocel_type FROM object"):
                log.add_object(str(identity), str(kind))
            _read_links(con, log, tables)
            for kind, suffix in con.execute("SELECT ocel_type, ocel_type_map FROM event_map_type").fetchall():
                table = f"event_{suffix}".casefold()
                if table not in tables:
                    raise MappingError(
                        f'{path} is not a whole OCEL 2.0 log: event_map_type names the table "event_{suffix}" for '
                        f"events of type {kind!r}, and there is none: export it again"
                    )
                _read_events(con, log, kind, table, tables[table])
    except sqlite3.DatabaseError as error:
        raise MappingError(
            f"{path} cannot be read as a SQLite database ({error}): is it damaged or cut short? Copy or export it again"
        ) from error


def _tables(con: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """The types of columns as they are declared, by table, all in lower case."""
    names = [name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name.casefold(): {
            column: kind.upper() for _, column, kind, *_ in con.execute(f"PRAGMA table_info({identifier(name)})")
        }
        for name in names
    }


def _check(path: Path, tables: dict[str, dict[str, str]]) -> None:
    if "relations" in tables and "ocel:eid" in tables.get("events", {}):
        raise MappingError(f"{path} {OCEL_1}")
    shown = ", ".join(list(tables)[:_SHOWN]) or "none"
    for table, columns in _NEEDED.items():
        if table not in tables:
            raise MappingError(
                f'{path} is not an OCEL 2.0 log: it has no table "{table}" (tables: {shown}): give the log, or map a '
                "table of another database with --events"
            )
        missing = [column for column in columns if column not in map(str.casefold, tables[table])]
        if missing:
            raise MappingError(
                f'{path} is not an OCEL 2.0 log: table "{table}" has no column "{missing[0]}" '
                f"(columns: {', '.join(tables[table])}): export it again"
            )


def _read_links(con: sqlite3.Connection, log: Ocel, tables: dict[str, dict[str, str]]) -> None:
    qualifier = "ocel_qualifier" if "ocel_qualifier" in tables["event_object"] else "NULL"
    for event, linked, role in con.execute(f"SELECT ocel_event_id, ocel_object_id, {qualifier} FROM event_object"):
        log.add_link(str(event), str(linked), "" if role is None else str(role))


def _read_events(con: sqlite3.Connection, log: Ocel, kind: str, table: str, columns: dict[str, str]) -> None:
    """The events of one type, each with its place in the table of all events."""
    given = [name for name in columns if name.casefold() not in ("ocel_id", "ocel_time")]
    selected = "".join(f", t.{identifier(name)}" for name in given)
    time = "t.ocel_time" if "ocel_time" in map(str.casefold, columns) else "NULL"
    rows: Iterator[Any] = con.execute(
        f"SELECT e.ocel_id, e.rowid, {time}{selected} FROM event e JOIN {identifier(table)} t ON t.ocel_id = e.ocel_id "
        "WHERE e.ocel_type = ?",
        [kind],
    )
    kinds = [_kind(columns[name]) for name in given]
    for identity, place, when, *values in rows:
        for name, declared, value in zip(given, kinds, values, strict=True):
            if value is not None and not isinstance(value, bytes):
                log.events.put(declared, name, str(value))
        log.add_event(str(identity), str(kind), None if when is None else str(when), place)


def _kind(declared: str) -> str:
    """The kind of a column from its declared type, as SQLite takes it: by what the name contains."""
    signs = {"INT": "int", "BOOL": "boolean", "REAL": "float", "FLOA": "float", "DOUB": "float", "NUMERIC": "float"}
    signs |= {"TIME": "date", "DATE": "date"}
    return next((kind for sign, kind in signs.items() if sign in declared), "string")
