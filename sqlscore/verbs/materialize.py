"""Score tables under names of the user's own: any events in bulk, and a score after every event."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.database.scan import Users
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.score_tables.own_tables import DerivedTable, fill, over
from sqlscore.times import moment

if TYPE_CHECKING:
    pass


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
    """Score the users of any events in bulk, into a table: what CREATE TABLE AS with `score_events` gives, sooner.

    events: a table, view, file or SELECT with the mapping's columns. into: the table to make, replaced if it is there;
    the columns are those of `score_events` behind user_id. as_of: default, the newest of these events.

    Memory holds batches of events, never the table. Raises MappingError where a column is missing.

    >>> sqlscore.materialize(con, "SELECT * FROM events WHERE country = 'DE'", into="german_scores").rows
    """
    from sqlscore.score_tables.rows import present, score_rows  # torch

    where = over(con, mapped(con, mapping), events)
    artifact = catalog(con).artifact(model, mapping)
    newest = one(con, f"SELECT epoch_us(max(event_time)) FROM ({usable_events(con, where)})")
    if newest is None or newest[0] is None:
        raise MappingError(f"there is no usable event in {events!r}: nothing was made")
    at = moment(as_of, "as_of") if as_of is not None else int(newest[0])

    def score(users: Users) -> pa.Table:
        ids, sequences, _ = present(users)
        return score_rows(ids, artifact.encode(sequences), at, artifact)

    return fill(con, where, artifact, score, into, "materialize", threads)


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
    """A score after every event of every user, from the events up to it alone, in one pass of a causal model.

    Makes the table `into` (replaced if it is there): user_id, event_time, event_type, then the columns of
    `score_events` with as_of = event_time. Row by row what `score_events(e, as_of := e.event_time) OVER (PARTITION BY
    user_id ORDER BY event_time ROWS UNBOUNDED PRECEDING)` gives, at a fraction of its cost.
    events: other events than the mapped ones: a table, view, file or SELECT with the mapping's columns.

    Raises ModelError for models that are not causal.

    >>> sqlscore.score_history(con, into="history").rows
    """
    from sqlscore.score_tables.rows import history_rows  # torch

    where = mapped(con, mapping)
    if events is not None:
        where = over(con, where, events)
    artifact = catalog(con).artifact(model, mapping)
    artifact.require_causal()
    return fill(con, where, artifact, partial(history_rows, artifact), into, "score_history", threads)
