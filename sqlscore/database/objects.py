"""Brings sqlscore's own tables, views and macros in a database file up to date."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.database.composition import sample_of_all_parts
from sqlscore.database.identity import file_number, number_file
from sqlscore.database.leaderboard import LEADERBOARD
from sqlscore.database.lost_tables import FROM_THE_START, emptied_tables, explain, missing_tables, restore
from sqlscore.database.macros import statements
from sqlscore.database.mapping_objects import PLAYBOOK, install_mapping, install_unmapped
from sqlscore.database.queries import one
from sqlscore.database.transactions import transaction
from sqlscore.database.unmapped import NOTHING_MAPPED, note_unmapped
from sqlscore.events.mapping import DEFAULT_MAPPING, UNITS, Feature, Mapping
from sqlscore.quoting import literal
from sqlscore.scoring.catalog import unmapped
from sqlscore.sql.names import SCHEMA
from sqlscore.sql.objects import objects_of, registry_tables

MIGRATIONS: tuple[Callable[[duckdb.DuckDBPyConnection], None], ...] = ()
"""Steps that change registry tables of older files; a file's `tables` version is the number of steps it has seen."""


@cache
def version() -> str:
    """A hash of everything that `install` makes, so that it differs whenever any of it differs."""
    feature = Feature("feature", "numeric")
    full = replace(unmapped(), features=(feature,), time_cap=0, order=("place",), exclude_types=("action",))
    mappings = [replace(full, time_unit=unit) for unit in (None, *UNITS)]
    mappings.append(replace(full, group="site"))
    functions = [text for mapping in mappings for made in statements(mapping, 0) for text in (made.text, made.comment)]
    made = objects_of(0)
    texts = [item.text for item in (*registry_tables(), LEADERBOARD, PLAYBOOK, *made)]
    texts += [item.in_groups for item in made if item.in_groups is not None]
    text = "\n".join([*texts, *functions, NOTHING_MAPPED, sample_of_all_parts()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def installed_version(con: duckdb.DuckDBPyConnection) -> str | None:
    """The version of the objects in the file, None if it has none, or no number that they know as theirs."""
    if not _exists(con, "sqlscore", "meta") or not file_number(con):
        return None
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = 'objects'")
    return row[0] if row else None


def install(con: duckdb.DuckDBPyConnection) -> None:
    """Bring all objects of the file up to date, in one transaction; do nothing if they are."""
    current = version()
    installed, missing = installed_version(con), missing_tables(con)
    emptied = emptied_tables(con) if installed == current and not missing else []
    if installed == current and not missing and not emptied:
        return
    lost = [name for name in missing if installed == current or name in FROM_THE_START]
    if lost:
        warnings.warn(f"{explain(lost)}; made anew", stacklevel=4)
    if emptied:
        warnings.warn(f"{explain(emptied, 'empty')}; filled again", stacklevel=4)
    with transaction(con):
        make_registry(con, lost + emptied)
        rows = con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()
        mappings = [Mapping.from_json(row[0]) for row in rows]
        if all(mapping.name != DEFAULT_MAPPING for mapping in mappings):
            if "mappings" in lost:
                note_unmapped(con, True)
            taken = install_unmapped(con)
            if taken:
                warnings.warn(
                    f"this file has functions of its own named {', '.join(taken)}: they stay as they are; for "
                    "sqlscore's functions, map the events with a prefix, map_events(..., prefix='ss_')",
                    stacklevel=3,
                )
        for mapping in mappings:
            attach(con, mapping.attached)
            install_mapping(con, mapping)
        note_version(con)


def make_registry(con: duckdb.DuckDBPyConnection, anew: Sequence[str]) -> None:
    """Make the tables of the registry that are missing, and fill those in `anew` with what others still say."""
    _create_registry(con)
    number_file(con)
    restore(con, anew)
    _migrate(con)


def note_version(con: duckdb.DuckDBPyConnection) -> None:
    """Note that the objects of the file are those of this version, in the caller's transaction."""
    con.execute("DELETE FROM sqlscore.meta WHERE key = 'objects'")
    con.execute("INSERT INTO sqlscore.meta (key, value) VALUES ('objects', ?)", [version()])


def _create_registry(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for item in registry_tables():
        con.execute(item.text)


def _migrate(con: duckdb.DuckDBPyConnection) -> None:
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = 'tables'")
    done = int(row[0]) if row else len(MIGRATIONS)
    for step in MIGRATIONS[done:]:
        step(con)
    con.execute("DELETE FROM sqlscore.meta WHERE key = 'tables'")
    con.execute(f"INSERT INTO sqlscore.meta (key, value) VALUES ('tables', {literal(str(len(MIGRATIONS)))})")


def _exists(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    query = """SELECT count(*) FROM information_schema.tables
               WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?"""
    row = one(con, query, [schema, name])
    return bool(row and row[0])
