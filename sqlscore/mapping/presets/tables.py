"""Exports of several tables: which file, folder or table of the database is which of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.files import files_of, kind_of_file
from sqlscore.mapping.presets.located import Elsewhere
from sqlscore.quoting import qualified


def tables_of(con: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> dict[str, list[str]]:
    """What belongs to each table of an export, by the table's name in lower case.

    A file is part of the table that its name says, without a number at the end (tracks.csv, tracks_0001.csv.gz), or of
    the one that its folder says if its own name is a number (tracks/0001.csv). A folder is all files in it and in its
    folders, a schema of the database all its tables.

    Args:
        con: A connection to the database.
        paths: As the user named them.

    Raises MappingError if one of them holds nothing.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        if isinstance(path, Elsewhere):
            found.setdefault(path.table.casefold(), []).append(path)
            continue
        if Path(path).is_dir():
            parts = sorted(str(file) for file in Path(path).rglob("*") if kind_of_file(str(file)) is not None)
        elif files := files_of(path):
            parts = files
        else:
            parts = _of_schema(con, path) or [path]
        if not parts:
            raise MappingError(f'folder "{path}" holds no file that can be read: name the one with the export in it')
        for part in parts:
            found.setdefault(_table(part), []).append(part)
    return found


def _table(part: str) -> str:
    file = kind_of_file(part) is not None
    name = Path(part).name.partition(".")[0] if file else part.rpartition(".")[2].strip('"')
    name = re.sub(r"[-_.]?\d+$", "", name) if file else name
    return (name or Path(part).parent.name).casefold()


def _of_schema(con: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    rows = con.execute(
        """SELECT table_schema, table_name FROM information_schema.tables
           WHERE table_catalog = current_database() AND lower(table_schema) = lower(?) ORDER BY ALL""",
        [schema],
    ).fetchall()
    return [qualified(*row) for row in rows]
