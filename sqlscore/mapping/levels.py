"""Actions with two levels: predicted by a coarse column, read in a finer one beside it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier


@dataclass(frozen=True)
class Levels:
    """What the finer column holds, over the events that count."""

    n_subtypes: int
    n_null_subtype: int  # events without a finer action: kept, and read as "missing"
    n_shared_subtypes: int  # values that occur under more than one action: read together with it, so kept apart


def levels(con: duckdb.DuckDBPyConnection, mapping: Mapping, n_actions: int) -> tuple[Levels | None, tuple[str, ...]]:
    """Counts, and what deserves attention in words; (None, ()) for a mapping of one level. n_actions: coarse ones."""
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
    found = Levels(*(int(count) for count in one(con, query) or (0, 0, 0)))
    if found.n_subtypes >= n_actions:
        return found, ()
    return found, (
        f'"{mapping.subtype}" has {found.n_subtypes} values and the level "{mapping.event_type}" has {n_actions}: the '
        "level is the coarser of the two; are they the wrong way round?",
    )
