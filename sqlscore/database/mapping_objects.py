"""The views and functions of one mapping in a database file: made, and dropped with it."""

from __future__ import annotations

import duckdb

from sqlscore.database.composition import drop_composition, install_composition
from sqlscore.database.composition.attributes import install_attributes
from sqlscore.database.derived_columns import upgrade
from sqlscore.database.events_query import mapped_events
from sqlscore.database.functions import drop_functions, install_functions
from sqlscore.database.group_views import make_groups, make_user_groups
from sqlscore.database.identity import file_number
from sqlscore.database.leaderboard import LEADERBOARD, create_leaderboard
from sqlscore.database.materialized import PER_USER, is_table, materialized_tables
from sqlscore.database.queries import no_rows_of
from sqlscore.database.score_triggers import without_score_triggers
from sqlscore.database.unmapped import no_events, was_mapped
from sqlscore.events.mapping import DEFAULT_MAPPING, HIGH_WATER, Mapping
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.sql.objects import objects_of, table

PLAYBOOK = table("playbook")


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
        install_functions(con, mapping)
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
    drop_functions(con, mapping.name)
    if mapping.name != DEFAULT_MAPPING:
        con.execute(f"DROP SCHEMA IF EXISTS {identifier(mapping.schema)} CASCADE")
        return
    for name in (*PER_USER, "segment_value_at_risk", "refreshed", LEADERBOARD.name, PLAYBOOK.name):
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
