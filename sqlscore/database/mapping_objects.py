"""The views and functions of one mapping in a database file: made, and dropped with it."""

from __future__ import annotations

import duckdb

from sqlscore.database.composition import drop_composition, install_composition
from sqlscore.database.composition.attributes import install_attributes
from sqlscore.database.derived_columns import upgrade
from sqlscore.database.events_query import mapped_events
from sqlscore.database.functions import (
    FunctionsHere,
    drop_functions,
    functions_here,
    install_functions,
    refuse_taken,
)
from sqlscore.database.group_views import make_groups, make_user_groups
from sqlscore.database.identity import file_number
from sqlscore.database.leaderboard import LEADERBOARD, create_leaderboard
from sqlscore.database.materialized import PER_USER, is_table, materialized_tables
from sqlscore.database.queries import no_rows_of
from sqlscore.database.score_triggers import without_score_triggers
from sqlscore.database.unmapped import no_events, was_mapped
from sqlscore.events.mapping import DEFAULT_MAPPING, HIGH_WATER, Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.scoring.catalog import unmapped
from sqlscore.sql.objects import bound_when_read, objects_of, parts, table

PLAYBOOK = table("playbook")


def install_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping, before: Mapping | None = None) -> None:
    """Make the views and functions of one mapping, inside the caller's transaction.

    Args:
        con: A connection in a transaction.
        mapping: The mapped events.
        before: The mapping of the same name that those in the file were made for by this version of sqlscore, which
            may be `unmapped()`: macros that are the same then stay. Without it, all is made anew.

    Raises InstallError if a function of the user's own has one of the names.
    """
    here = functions_here(con, mapping)
    refuse_taken(here)
    with without_score_triggers(con, mapping):
        _install(con, mapping, here, before)


def install_unmapped(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Make what a file has while no events are mapped under the default name, inside the caller's transaction.

    Views have no comments, and are bound when they are read: with the first mapping they are made anew.

    Returns names of functions that are the user's own: if there are any, none of sqlscore's is made.
    """
    here = functions_here(con, unmapped())
    with without_score_triggers(con, unmapped()):
        _install(con, unmapped(), None if here.taken else here, None)
    return here.taken


def _install(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, here: FunctionsHere | None, before: Mapping | None
) -> None:
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(mapping.schema)}")
    if mapping.relation or not was_mapped(con):
        create_leaderboard(con, mapping.schema, comments=bool(mapping.relation))
        playbook = PLAYBOOK.for_schema(mapping.schema)
        con.execute(playbook if mapping.relation else parts(playbook)[0])
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
    if here is not None:
        install_functions(con, mapping, here, before)
        _install_objects(con, mapping, here, before)
    if mapping.group is not None:
        make_groups(con, mapping)
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    drop_composition(con, mapping)
    install_attributes(con, mapping)
    _comment_events(con, mapping, view)


def _install_objects(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, here: FunctionsHere, before: Mapping | None
) -> None:
    kept = materialized_tables(con, mapping)
    if "scored_users" in kept:
        upgrade(con, mapping)
    same = before is not None and _names_and_order(before) == _names_and_order(mapping)
    for item in objects_of(file_number(con)):
        if item.name in kept:
            continue
        if same and item.kind == "macro" and (mapping.schema, item.name) in here.macros:
            continue
        text = item.for_schema(*_names_and_order(mapping))
        con.execute(text if mapping.relation or item.kind == "macro" else bound_when_read(parts(text)[0]))


def _names_and_order(mapping: Mapping) -> tuple[str, str, tuple[str, ...], str | None]:
    return mapping.schema, mapping.prefix, mapping.order, mapping.group


def remove_mapping(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Drop everything that install_mapping made, and the score tables, inside the caller's transaction."""
    drop_functions(con, mapping.name)
    if mapping.name != DEFAULT_MAPPING:
        con.execute(f"DROP SCHEMA IF EXISTS {identifier(mapping.schema)} CASCADE")
        return
    for name in (*PER_USER, "segment_value_at_risk", "label_backtests", "refreshed", LEADERBOARD.name, PLAYBOOK.name):
        if is_table(con, mapping.schema, name):
            con.execute(f"DROP TABLE {qualified(mapping.schema, name)}")


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
