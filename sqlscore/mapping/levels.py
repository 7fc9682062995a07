"""Actions with two levels: a coarse column is predicted, and a finer one is read as well."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier


@dataclass(frozen=True)
class Levels:
    """Counts of the finer column, over the usable events."""

    n_subtypes: int
    n_null_subtype: int  # events without a finer action: they are kept, and read as "missing"
    n_shared_subtypes: int  # values that occur under several actions: one category for each action


def levels(con: duckdb.DuckDBPyConnection, mapping: Mapping, n_actions: int) -> tuple[Levels | None, tuple[str, ...]]:
    """Count the finer actions, and warn if the two levels look exchanged; (None, ()) for a mapping of one level.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        n_actions: Number of coarse actions.
    """
    if mapping.subtype is None:
        return None, ()
    query = f"""
        WITH pairs AS (
            SELECT CAST({identifier(mapping.subtype)} AS VARCHAR) AS subtype, event_type, count(*) AS n_events
            FROM ({usable_events(con, mapping)}) GROUP BY ALL
        ), per_subtype AS (
            SELECT count(*) AS n_types FROM pairs WHERE subtype IS NOT NULL GROUP BY subtype
        )
        SELECT (SELECT count(*) FROM per_subtype),
            (SELECT coalesce(sum(n_events), 0) FROM pairs WHERE subtype IS NULL),
            (SELECT count(*) FROM per_subtype WHERE n_types > 1)
    """
    counts = Levels(*(int(count) for count in one(con, query) or (0, 0, 0)))
    if counts.n_subtypes >= n_actions:
        return counts, ()
    return counts, (
        f'"{mapping.subtype}" has {counts.n_subtypes} values and the level "{mapping.event_type}" has {n_actions}: the '
        "level should be the coarser of the two; are they the wrong way round?",
    )
