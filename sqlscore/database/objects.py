"""sqlscore's own tables, views and macros in a database file, and bringing older files up to date."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.database.composition import drop_composition, install_composition, sample_of_all_parts
from sqlscore.database.composition.attributes import install_attributes
from sqlscore.database.derived_columns import upgrade
from sqlscore.database.events_query import mapped_events
from sqlscore.database.group_views import make_groups, make_user_groups
from sqlscore.database.identity import file_number, number_file
from sqlscore.database.leaderboard import LEADERBOARD, create_leaderboard
from sqlscore.database.lost_tables import FROM_THE_START, emptied_tables, explain, missing_tables, restore
from sqlscore.database.macros import names, statements
from sqlscore.database.queries import no_rows_of, one
from sqlscore.database.score_triggers import without_score_triggers
from sqlscore.database.transactions import transaction
from sqlscore.database.unmapped import NOTHING_MAPPED, no_events, note_unmapped, was_mapped
from sqlscore.errors import InstallError
from sqlscore.events.mapping import DEFAULT_MAPPING, HIGH_WATER, UNITS, Feature, Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.scoring.catalog import unmapped
from sqlscore.sql.names import SCHEMA
from sqlscore.sql.objects import objects_of, registry_tables, table

MIGRATIONS: tuple[Callable[[duckdb.DuckDBPyConnection], None], ...] = ()
"""Steps that change registry tables of older files; a file's `tables` version is the number of steps it has seen."""

PLAYBOOK = table("playbook")

MATERIALIZED = ("scored_users", "scored_sessions")
"""Views that `refresh` replaces by tables of the same name."""

PER_USER = (
    *MATERIALIZED,
    *("user_states", "user_vectors", "past_scores", "scored_labels"),
    *("user_signals", "recommendations", "interventions"),
)
"""Tables that `refresh`, `backtest`, `advise` and `assign` make, with one or more rows per user."""


@cache
def version() -> str:
    """A hash of everything that `install` makes, so that it differs whenever any of it differs."""
    feature = Feature("feature", "numeric")
    full = replace(unmapped(), features=(feature,), time_cap=0, order=("place",), exclude_types=("action",))
    mappings = [replace(full, time_unit=unit) for unit in (None, *UNITS)]
    mappings.append(replace(full, group="site"))
    functions = [statement for mapping in mappings for statement in statements(mapping, 0)]
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
            taken = taken_functions(con, unmapped())
            if taken:
                warnings.warn(
                    f"this file has functions of its own named {', '.join(taken)}: they stay as they are; for "
                    "sqlscore's functions, map the events with a prefix, map_events(..., prefix='ss_')",
                    stacklevel=3,
                )
            if "mappings" in lost:
                note_unmapped(con, True)
            install_mapping(con, unmapped(), functions=not taken)
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


def install_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping, *, functions: bool = True) -> None:
    """Make the views and functions of one mapping, inside the caller's transaction.

    Raises InstallError if a function of the user's own has one of the names.
    """
    with without_score_triggers(con, mapping):
        _install_mapping(con, mapping, functions)


def _install_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping, functions: bool) -> None:
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(mapping.schema)}")
    if mapping.relation or not was_mapped(con):
        create_leaderboard(con, mapping.schema)
        con.execute(PLAYBOOK.for_schema(mapping.schema))
    install_composition(con, mapping)
    if mapping.group is not None:
        make_groups(con, mapping, empty=True)
    view, query = qualified(mapping.schema, "events"), _events_query(con, mapping)
    # Creating a macro binds the views in it with the macro's parameters in scope, so a bare column of the same name in
    # a view of the user's would be a conflict. Therefore everything is made over an empty view that reads nothing.
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {no_rows_of(con, query)}")
    high_water = qualified(mapping.schema, "high_water")
    newest = f"SELECT max(event_time) AS high_water FROM {view}" if mapping.relation else _NO_HIGH_WATER
    con.execute(f"CREATE OR REPLACE VIEW {high_water} AS {newest}")
    con.execute(f"COMMENT ON VIEW {high_water} IS 'The newest event_time of the mapped events: the default as_of'")
    con.execute(f"COMMENT ON COLUMN {high_water}.high_water IS 'The newest event_time of the mapped events'")
    if mapping.group is None:
        make_groups(con, mapping)
    make_user_groups(con, mapping)
    if functions:
        _install_functions(con, mapping)
        kept = materialized_tables(con, mapping)
        if "scored_users" in kept:
            upgrade(con, mapping)
        for item in objects_of(file_number(con)):
            if item.name in kept:
                continue
            con.execute(item.for_schema(mapping.schema, mapping.prefix, mapping.order, mapping.group))
    if mapping.group is not None:
        make_groups(con, mapping)
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    drop_composition(con, mapping)
    install_attributes(con, mapping)
    _comment_events(con, mapping, view)


def remove_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Drop everything that install_mapping made, and the score tables, inside the caller's transaction."""
    _drop_functions(con, mapping.name)
    if mapping.name != DEFAULT_MAPPING:
        con.execute(f"DROP SCHEMA IF EXISTS {identifier(mapping.schema)} CASCADE")
        return
    for name in (*PER_USER, "segment_value_at_risk", "refreshed", LEADERBOARD.name, PLAYBOOK.name):
        if is_table(con, mapping.schema, name):
            con.execute(f"DROP TABLE {qualified(mapping.schema, name)}")


def taken_functions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Names of this mapping's functions that other functions in the file already have."""
    wanted = names(mapping.prefix)
    rows = con.execute(
        """SELECT DISTINCT function_name FROM duckdb_functions()
           WHERE list_contains(?, function_name) AND (database_name = current_database() OR internal)
             AND function_name NOT IN (SELECT function FROM sqlscore.objects)
           ORDER BY function_name""",
        [wanted],
    ).fetchall()
    others = con.execute(
        "SELECT function FROM sqlscore.objects WHERE list_contains(?, function) AND mapping <> ?",
        [wanted, mapping.name],
    ).fetchall()
    return [row[0] for row in rows + others]


def materialized_tables(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Names of this mapping's score tables that `refresh` has made."""
    return [name for name in PER_USER if is_table(con, mapping.schema, name)]


def _install_functions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    taken = taken_functions(con, mapping)
    if taken:
        raise InstallError(
            f"this file already has functions named {', '.join(taken)}, which sqlscore does not overwrite: "
            f"choose a prefix for sqlscore's, for example map_events(..., prefix='ss_') or --prefix ss_"
        )
    _drop_functions(con, mapping.name)
    for statement in statements(mapping, file_number(con)):
        con.execute(statement)
    con.execute(
        "INSERT INTO sqlscore.objects (mapping, function) SELECT ?, unnest(?)",
        [mapping.name, names(mapping.prefix)],
    )


def _drop_functions(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    rows = con.execute("SELECT function FROM sqlscore.objects WHERE mapping = ?", [mapping]).fetchall()
    for (name,) in rows:
        con.execute(f"DROP MACRO IF EXISTS {qualified('main', name)}")
    con.execute("DELETE FROM sqlscore.objects WHERE mapping = ?", [mapping])


def _events_query(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    return mapped_events(con, mapping) if mapping.relation else no_events(con)


_NO_HIGH_WATER = "SELECT CAST(NULL AS TIMESTAMP) AS high_water"


def _comment_events(con: duckdb.DuckDBPyConnection, mapping: Mapping, view: str) -> None:
    comments = {
        "user_id": "The user.",
        "event_time": "Time of the event, UTC.",
        "event_type": "The action.",
        **{feature.name: f"A {feature.kind} feature of the event, NULL if missing." for feature in mapping.features},
    }
    for name in mapping.order:
        comments.setdefault(name, "Orders events of one moment.")
    if mapping.group is not None:
        comments.setdefault(mapping.group, "The group of the event.")
        comments[HIGH_WATER] = "The newest event of its group, UTC."
    if mapping.amount is not None:
        comments[mapping.amount] = "What the event is worth; NULL if nothing, less than 0 for a refund."
    if mapping.subtype is not None:
        comments[mapping.subtype] = "The action in more detail: models read it, but do not predict it."
    once = ", each id once" if mapping.event_id else ""
    left_out = f", without {', '.join(mapping.exclude_types)}" if mapping.exclude_types else ""
    what = f"The mapped events that have a user, a finite time and an action{once}{left_out}"
    con.execute(f"COMMENT ON VIEW {view} IS {literal(what)}")
    for column, comment in comments.items():
        con.execute(f"COMMENT ON COLUMN {view}.{identifier(column)} IS {literal(comment)}")


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


def is_table(con: duckdb.DuckDBPyConnection, schema: str, *names: str) -> bool:
    """Whether each of these names belongs to a table, not a view."""
    query = """SELECT count(*) FROM duckdb_tables()
               WHERE database_name = current_database() AND schema_name = ? AND list_contains(?, table_name)"""
    return one(con, query, [schema, list(names)]) == (len(names),)
