"""The moment of each user's scores: the newest event of all, or that of the groups that the user has events of."""

from __future__ import annotations

import duckdb
import numpy as np

from sqlscore.arrays import Ints
from sqlscore.database.events_query import usable_events
from sqlscore.database.high_water import newest_by_part, with_high_water
from sqlscore.events.mapping import HIGH_WATER, Mapping
from sqlscore.events.sequences import Sequences

USERS = "sqlscore_high_water_of_users"
"""A temporary table of the reader's connection: user_id, high_water."""

_GROUPS = "sqlscore_high_water_of_groups"


def note_groups(reader: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Find the newest event of each group in the events of this connection; nothing without groups."""
    if mapping.group is not None:
        query = newest_by_part(usable_events(reader, mapping), mapping.group)
        reader.execute(f"CREATE OR REPLACE TEMP TABLE {_GROUPS} AS {query}")


def note_users(reader: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Fill USERS, after `note_groups`; nothing without groups."""
    if mapping.group is not None:
        events = dated(usable_events(reader, mapping), mapping)
        reader.execute(
            f"CREATE OR REPLACE TEMP TABLE {USERS} AS "
            f"SELECT user_id, max({HIGH_WATER}) AS high_water FROM ({events}) GROUP BY user_id"
        )


def dated(events: str, mapping: Mapping) -> str:
    """A query for these canonical events with the newest event of each one's group, if the mapping has groups."""
    return events if mapping.group is None else with_high_water(events, mapping.group, _GROUPS)


def moments_of(sequences: Sequences, as_of: int) -> Ints:
    """int64 (N,) µs: the moment of each sequence's scores.

    Args:
        sequences: N users' events.
        as_of: The moment where these do not say when the newest event of their groups was.
    """
    return np.full(len(sequences), as_of, np.int64) if sequences.high_water is None else sequences.high_water
