"""sqlscore's own tables, views and macros in a database file, and bringing older files up to date."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import replace

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.database.leaderboard import COLUMNS as LEADERBOARD
from sqlscore.database.leaderboard import clear_leaderboard, create_leaderboard
from sqlscore.database.macros import names, statements
from sqlscore.database.queries import one
from sqlscore.database.tables import COLUMNS, TABLES, create_tables
from sqlscore.database.transactions import transaction
from sqlscore.errors import InstallError
from sqlscore.events.mapping import DEFAULT_MAPPING, UNITS, Feature, Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.scoring.catalog import unmapped
from sqlscore.sql.names import retarget
from sqlscore.sql.objects import objects

MIGRATIONS: tuple[Callable[[duckdb.DuckDBPyConnection], None], ...] = ()
"""Steps that change TABLES of older files; a file's `tables` version is the number of steps it has seen."""

MATERIALIZED = ("scored_users", "scored_sessions")
"""Views that `refresh` replaces by tables of the same name."""

PER_USER = (*MATERIALIZED, "user_states", "past_scores")
"""Tables that `refresh` and `backtest` make with a row or more for each user."""


def version() -> str:
    """Differs whenever any object that is installed does, whatever the mapping."""
    feature = Feature("feature", "numeric")
    mappings = [replace(unmapped(), features=(feature,), time_unit=unit, time_cap=0) for unit in (None, *UNITS)]
    functions = [statement for mapping in mappings for statement in statements(mapping)]
    text = "\n".join([*TABLES, repr(COLUMNS), repr(LEADERBOARD), *(o.text for o in objects()), *functions])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def installed_version(con: duckdb.DuckDBPyConnection) -> str | None:
    """The version of the objects in the file, None where there are none."""
    if not _exists(con, "sqlscore", "meta"):
        return None
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = 'objects'")
    return row[0] if row else None


def install(con: duckdb.DuckDBPyConnection) -> None:
    """Bring all objects of the file up to date, in one transaction; nothing where they are as they should be."""
    current = version()
    if installed_version(con) == current:
        return
    with transaction(con):
        create_tables(con)
        _migrate(con)
        rows = con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()
        mappings = [Mapping.from_json(row[0]) for row in rows]
        if all(mapping.name != DEFAULT_MAPPING for mapping in mappings):
            taken = taken_functions(con, unmapped())
            if taken:
                warnings.warn(
                    f"this file has functions of its own named {', '.join(taken)}: they stay as they are, and "
                    "sqlscore's come when you map events with a prefix, map_events(..., prefix='ss_')",
                    stacklevel=3,
                )
            install_mapping(con, unmapped(), functions=not taken)
        for mapping in mappings:
            install_mapping(con, mapping)
        con.execute("DELETE FROM sqlscore.meta WHERE key = 'objects'")
        con.execute("INSERT INTO sqlscore.meta VALUES ('objects', ?)", [current])


def install_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping, *, functions: bool = True) -> None:
    """The views and functions of one mapping, inside the caller's transaction.

    Raises InstallError where a function of the user's own has one of the names.
    """
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(mapping.schema)}")
    create_leaderboard(con, mapping.schema)
    view, query = qualified(mapping.schema, "events"), _events_query(con, mapping)
    # Creating a macro binds the views in it with the macro's parameters in scope: a bare column of the same name in
    # a view of the user's would be a conflict. So all is made over an empty stand-in that reads nothing.
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {_no_rows_of(con, query)}")
    high_water = qualified(mapping.schema, "high_water")
    con.execute(
        f"CREATE OR REPLACE VIEW {high_water} AS "
        f"SELECT max(event_time) AS high_water FROM {qualified(mapping.schema, 'events')}"
    )
    con.execute(f"COMMENT ON VIEW {high_water} IS 'The newest event_time of the mapped events: the default as_of'")
    con.execute(f"COMMENT ON COLUMN {high_water}.high_water IS 'The newest event_time of the mapped events'")
    if functions:
        _install_functions(con, mapping)
        kept = materialized_tables(con, mapping)
        for item in objects():
            if item.name in kept:
                continue
            con.execute(retarget(item.text, mapping.schema, mapping.prefix))
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    _comment_events(con, mapping, view)


def remove_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Drop everything that install_mapping made, score tables included, inside the caller's transaction."""
    _drop_functions(con, mapping.name)
    if mapping.name != DEFAULT_MAPPING:
        con.execute(f"DROP SCHEMA IF EXISTS {identifier(mapping.schema)} CASCADE")
        return
    for name in materialized_tables(con, mapping):
        con.execute(f"DROP TABLE {qualified(mapping.schema, name)}")
    clear_leaderboard(con, mapping.schema)


def taken_functions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Names of this mapping's functions that the user has given to functions of their own."""
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
    for statement in statements(mapping):
        con.execute(statement)
    con.execute(
        "INSERT INTO sqlscore.objects SELECT ?, unnest(?)",
        [mapping.name, names(mapping.prefix)],
    )


def _drop_functions(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    rows = con.execute("SELECT function FROM sqlscore.objects WHERE mapping = ?", [mapping]).fetchall()
    for (name,) in rows:
        con.execute(f"DROP MACRO IF EXISTS {qualified('main', name)}")
    con.execute("DELETE FROM sqlscore.objects WHERE mapping = ?", [mapping])


def _events_query(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    if mapping.relation:
        return usable_events(con, mapping)
    return "SELECT NULL::VARCHAR AS user_id, NULL::TIMESTAMP AS event_time, NULL::VARCHAR AS event_type WHERE false"


def _comment_events(con: duckdb.DuckDBPyConnection, mapping: Mapping, view: str) -> None:
    comments = {
        "user_id": "Who: the user.",
        "event_time": "When, UTC.",
        "event_type": "Did what: the action.",
        **{feature.name: f"A {feature.kind} feature of the event, NULL where missing." for feature in mapping.features},
    }
    if mapping.subtype is not None:
        comments[mapping.subtype] = "Did what in finer grain: read by the models, not predicted."
    con.execute(f"COMMENT ON VIEW {view} IS 'The mapped events that count: with user, finite time and action'")
    for column, comment in comments.items():
        con.execute(f"COMMENT ON COLUMN {view}.{identifier(column)} IS {literal(comment)}")


def _no_rows_of(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """A query with the columns and types of another and no rows, which reads no table."""
    relation = con.sql(query)
    columns = (
        f"CAST(NULL AS {kind}) AS {identifier(name)}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    return f"SELECT {', '.join(columns)} WHERE false"


def _migrate(con: duckdb.DuckDBPyConnection) -> None:
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = 'tables'")
    done = int(row[0]) if row else len(MIGRATIONS)
    for step in MIGRATIONS[done:]:
        step(con)
    con.execute("DELETE FROM sqlscore.meta WHERE key = 'tables'")
    con.execute(f"INSERT INTO sqlscore.meta VALUES ('tables', {literal(str(len(MIGRATIONS)))})")


def _exists(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    query = """SELECT count(*) FROM information_schema.tables
               WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?"""
    row = one(con, query, [schema, name])
    return bool(row and row[0])


def is_table(con: duckdb.DuckDBPyConnection, schema: str, *names: str) -> bool:
    """Whether there is a table, not a view, of each of these names."""
    query = """SELECT count(*) FROM duckdb_tables()
               WHERE database_name = current_database() AND schema_name = ? AND list_contains(?, table_name)"""
    return one(con, query, [schema, list(names)]) == (len(names),)
