"""An export as it is found: what its view reads, and the table that it is kept in if it is to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.export import Export, Preset
from sqlscore.mapping.presets.loading import loaded, the_file
from sqlscore.mapping.presets.promises import ForeignExportError
from sqlscore.mapping.presets.registry import looks_like
from sqlscore.mapping.read_once import read_whole
from sqlscore.quoting import qualified


@contextmanager
def opened(
    con: duckdb.DuckDBPyConnection,
    format: Preset,
    paths: Sequence[str],
    options: dict[str, Any],
    view: str,
    copy: bool,
) -> Iterator[tuple[Export, str, tuple[str, ...]]]:
    """The export, the query of the view over it or over a table of it, and what the user should know of that table."""
    if format.load is not None:
        path, load = the_file(format, paths), format.load
        with loaded(con, view, str(path.absolute()), lambda table: load(con, path, table, options)) as (table, said):
            export = built(con, format, [table], options)
            yield export, export.sql, said
        return
    export = built(con, format, paths, options)
    if not copy:
        yield export, export.sql, ()
        return

    def keep(table: str) -> tuple[str, ...]:
        con.execute(f"CREATE TABLE {qualified('main', table)} AS {export.sql}")
        return ()

    with loaded(con, view, ", ".join(paths), keep) as (table, said):
        yield export, f"FROM {qualified('main', table)}", said


@contextmanager
def at_hand(con: duckdb.DuckDBPyConnection, view: str, query: str, export: Export) -> Iterator[str]:
    """What the view shows: the view itself where it only reads a table, else a temporary table, read once."""
    if not export.parts or query != export.sql:
        yield qualified("main", view)
        return
    with read_whole(con, f"FROM {qualified('main', view)}") as events:
        yield events


def built(con: duckdb.DuckDBPyConnection, preset: Preset, paths: Sequence[str], options: dict[str, Any]) -> Export:
    """What the preset says of the export. Raises MappingError, which names the format that it looks like if another."""
    try:
        return preset.build(con, paths, options)
    except ForeignExportError as error:
        other = looks_like(error.columns)
        remedy = "give the export as it is delivered, or map its columns by hand: init --events"
        if other is not None and other is not preset:
            remedy = f"this looks like {other.title}: --from {other.name}"
        raise MappingError(f"{error}: {remedy}") from error
