"""Exports that are read into a table, which takes the place of an older one: no view can read them, or none is to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import transaction
from sqlscore.errors import MappingError
from sqlscore.mapping.copies import same_rows
from sqlscore.mapping.presets.export import Preset
from sqlscore.quoting import identifier, qualified

_KEY = "table of an export "
"""In `sqlscore.meta`, followed by the table's name: the file that it was read from."""


def table_of(view: str) -> str:
    """The name of the table that is behind a preset's view."""
    return f"{view}_log"


@contextmanager
def loaded(
    con: duckdb.DuckDBPyConnection, view: str, origin: str, load: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the table behind a preset's view, and what the user should know of it.

    It takes the place of the one of an earlier time, unless that has the same rows, and then nothing is changed. If the
    block fails, the earlier table is there again.

    Args:
        con: A connection to the database, in no transaction.
        view: The name of the view that will read the table.
        origin: What the user named.
        load: Reads the export into a new table of the name that it is given, and returns what the user should know; or
            raises MappingError and makes none.

    Raises MappingError if a table of that name is there that was not read from an export, or the export cannot be read.
    """
    table = table_of(view)
    there = _is_there(con, table)
    if there and one(con, "SELECT 1 FROM sqlscore.meta WHERE key = ?", [_KEY + table]) is None:
        raise MappingError(
            f'"{table}" is a table or view that --from did not make, and would be lost: rename it, or map under '
            "another name, name=... (--mapping)"
        )
    incoming, before = f"{table}_incoming", f"{table}_before"
    con.execute(f"DROP TABLE IF EXISTS {qualified('main', incoming)}")  # of a process that was killed
    remarks = load(incoming)
    if there and same_rows(con, qualified("main", table), qualified("main", incoming)):
        con.execute(f"DROP TABLE {qualified('main', incoming)}")
        yield table, remarks
        return
    n_before = _count(con, table) if there else None
    with transaction(con):
        con.execute(f"DROP TABLE IF EXISTS {qualified('main', before)}")
        if there:
            _rename(con, table, before)
        _rename(con, incoming, table)
        con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY + table])
        con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [_KEY + table, origin])
    try:
        if n_before is not None:
            remarks = (f'table "{table}" was read anew: {n_before:,} rows before, {_count(con, table):,} now', *remarks)
        yield table, remarks
    except BaseException:
        with transaction(con):
            con.execute(f"DROP TABLE {qualified('main', table)}")
            if there:
                _rename(con, before, table)
            else:
                con.execute("DELETE FROM sqlscore.meta WHERE key = ?", [_KEY + table])
        raise
    con.execute(f"DROP TABLE IF EXISTS {qualified('main', before)}")


@contextmanager
def loaded_elsewhere(
    preset: Preset, paths: Sequence[str], view: str, options: dict[str, Any]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Sequence[str]]]:
    """Yield a connection to a database of its own that holds what `loaded` would make, and the table's name."""
    table, path = table_of(view), the_file(preset, paths)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(Path(folder) / "log.duckdb") as con:
        if preset.load is not None:
            preset.load(con, path, table, options)
        yield con, [table]


def the_file(preset: Preset, paths: Sequence[str]) -> Path:
    """The one file that is named. Raises MappingError if it is none or several."""
    if len(paths) > 1:
        raise MappingError(
            f"--from {preset.name} reads one file, and {len(paths)} are named: map each under its own name"
        )
    path = Path(paths[0])
    if not path.is_file():
        raise MappingError(f'there is no file "{path}": check the name of the {preset.title}')
    return path


def _is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = """SELECT 1 FROM information_schema.tables
               WHERE table_catalog = current_database() AND table_schema = 'main' AND lower(table_name) = lower(?)"""
    return one(con, query, [table]) is not None


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int((one(con, f"SELECT count(*) FROM {qualified('main', table)}") or (0,))[0])


def _rename(con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
    con.execute(f"ALTER TABLE {qualified('main', table)} RENAME TO {identifier(name)}")
