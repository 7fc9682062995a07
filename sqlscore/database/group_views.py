"""The views of the groups of a mapping: when each one ends, and which groups a user has events of."""

from __future__ import annotations

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.database.high_water import GROUPS, USER_GROUPS, newest_by_part
from sqlscore.database.queries import no_rows_of
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, literal, qualified


def make_groups(con: duckdb.DuckDBPyConnection, mapping: Mapping, empty: bool = False) -> None:
    """Make the view of the groups, which the events are joined with; without groups all events are one.

    empty: without rows, and reading nothing.
    """
    view, high_water = qualified(mapping.schema, GROUPS), qualified(mapping.schema, "high_water")
    if mapping.group is None:
        query = f"SELECT CAST(NULL AS VARCHAR) AS part, h.high_water FROM {high_water} AS h"
    else:
        query = newest_by_part(usable_events(con, mapping), mapping.group)
        query = no_rows_of(con, query) if empty else query
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    comments = {
        f"VIEW {view}": "The groups of the events, one row each, and the newest event of each: the default as_of",
        f"COLUMN {view}.part": "The group; NULL is a group too, and stands for all events where no group is mapped.",
        f"COLUMN {view}.high_water": "The newest event_time of its events, UTC.",
    }
    for what, comment in comments.items():
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")


def make_user_groups(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Make the view of the users' groups, over the view of the events."""
    view, events = qualified(mapping.schema, USER_GROUPS), qualified(mapping.schema, "events")
    group = "NULL" if mapping.group is None else f"e.{identifier(mapping.group)}"
    con.execute(
        f"""CREATE OR REPLACE VIEW {view} AS
            SELECT e.user_id, CAST({group} AS VARCHAR) AS group_name, count(*) AS n_events,
                min(e.event_time) AS first_event_time, max(e.event_time) AS last_event_time
            FROM {events} AS e GROUP BY e.user_id, group_name"""
    )
    comments = {
        f"VIEW {view}": "The groups that each user has events of, one row per user and group",
        f"COLUMN {view}.user_id": "The user.",
        f"COLUMN {view}.group_name": "The group; NULL for events without one, and where no group is mapped.",
        f"COLUMN {view}.n_events": "Number of the user's events in it.",
        f"COLUMN {view}.first_event_time": "Time of the first of them, UTC.",
        f"COLUMN {view}.last_event_time": "Time of the last of them, UTC.",
    }
    for what, comment in comments.items():
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")
