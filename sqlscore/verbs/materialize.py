"""The verbs `materialize` and `score_history`: scores in a table under a name of the user's own."""

from __future__ import annotations

from datetime import date
from functools import partial

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.score_tables.own_tables import DerivedTable, fill, mapping_over
from sqlscore.times import moment


@on_own_connection
def materialize(
    con: duckdb.DuckDBPyConnection,
    events: str,
    *,
    into: str,
    as_of: date | str | None = None,
    model: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
) -> DerivedTable:
    """Score the users of any events in bulk, into a table.

    The table is what CREATE TABLE AS with `score_events` would make, but faster: user_id, then the columns of
    `score_events`. Memory holds batches of events, never the table.

    Args:
        con: A connection that `connect` made.
        events: A table, view, file or SELECT with the mapping's columns.
        into: The table to make; an existing one is replaced.
        as_of: The moment of the scores; by default the time of the newest of these events, or of those of the user's
            groups.
        model: The model that scores; by default the champion.
        mapping: The name of the mapping.
        threads: How many threads encode; by default one per core.

    Raises MappingError if a column is missing or no event is usable.

    Examples:
        >>> sqlscore.materialize(con, "SELECT * FROM events WHERE country = 'DE'", into="german_scores").rows
    """
    from sqlscore.score_tables.rows import score_at  # torch

    source = mapping_over(con, mapped(con, mapping), events)
    artifact = catalog(con).artifact(model, mapping)
    newest = one(con, f"SELECT epoch_us(max(event_time)) FROM ({usable_events(con, source)})")
    if newest is None or newest[0] is None:
        raise MappingError(f"there is no usable event in {events!r}: nothing was made")
    at = moment(as_of, "as_of") if as_of is not None else int(newest[0])
    work, in_groups = partial(score_at, artifact, as_of=at), as_of is None and source.group is not None
    return fill(con, source, artifact, work, into, "materialize", threads, in_groups=in_groups)


@on_own_connection
def score_history(
    con: duckdb.DuckDBPyConnection,
    *,
    into: str = "score_history",
    events: str | None = None,
    model: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
) -> DerivedTable:
    """Score every user after every event, from the events up to it alone, in one pass of a causal model.

    The columns are user_id, event_time, event_type, then those of `score_events` with as_of = event_time. Each row is
    what `score_events(e, as_of := e.event_time) OVER (PARTITION BY user_id ORDER BY event_time ROWS UNBOUNDED
    PRECEDING)` returns, at a fraction of its cost.

    Args:
        con: A connection that `connect` made.
        into: The table to make; an existing one is replaced.
        events: A table, view, file or SELECT with the mapping's columns; by default the mapped events.
        model: The model that scores; by default the champion.
        mapping: The name of the mapping.
        threads: How many threads encode; by default one per core.

    Raises ModelError if the model is not causal.

    Examples:
        >>> sqlscore.score_history(con, into="history").rows
    """
    from sqlscore.score_tables.rows import events_in_history, history_rows  # torch

    source = mapped(con, mapping)
    if events is None:
        check_readable(con, source)
    else:
        source = mapping_over(con, source, events)
    artifact = catalog(con).artifact(model, mapping)
    artifact.require_causal()
    work, size = partial(history_rows, artifact), events_in_history(artifact)
    return fill(con, source, artifact, work, into, "score_history", threads, events_per_batch=size)
