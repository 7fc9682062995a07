"""The tables that verbs make in a mapping's schema, and which of them a file has."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping

MATERIALIZED = ("scored_users", "scored_sessions")
"""Views that `refresh` replaces by tables of the same name."""


PER_USER = (
    *MATERIALIZED,
    *("user_states", "user_vectors", "past_scores", "scored_labels"),
    *("user_signals", "recommendations", "interventions"),
)
"""Tables that `refresh`, `backtest`, `advise` and `assign` make, with one or more rows per user."""


def materialized_tables(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Names of this mapping's score tables that `refresh` has made."""
    return [name for name in PER_USER if is_table(con, mapping.schema, name)]


def is_table(con: duckdb.DuckDBPyConnection, schema: str, *names: str) -> bool:
    """Whether each of these names belongs to a table, not a view."""
    query = """SELECT count(*) FROM duckdb_tables()
               WHERE database_name = current_database() AND schema_name = ? AND list_contains(?, table_name)"""
    return one(con, query, [schema, list(names)]) == (len(names),)
