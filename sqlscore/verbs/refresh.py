"""Scores as tables: who changed is scored again, and the tables change at once."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.database.transactions import now, on_own_connection, recorded, snapshot, transaction
from sqlscore.errors import MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.quoting import qualified
from sqlscore.score_tables.changes import Changes, find_changes
from sqlscore.score_tables.mark import mark_now, read_mark, write_mark
from sqlscore.score_tables.past_scores import keep_scores

if TYPE_CHECKING:
    from sqlscore.progress import Progress


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did. Rows by table; `as_of` is the moment of the scores.

    kind: "incremental", or "full" with the `reason`. n_encoded: events that went through the model.
    """

    mapping: str
    model: str
    as_of: datetime | None
    kind: str
    reason: str | None
    tables: dict[str, int]
    n_users_encoded: int
    n_events: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def refresh(
    con: duckdb.DuckDBPyConnection,
    *,
    full: bool = False,
    keep_history: bool = False,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
    progress: Progress | None = None,
) -> RefreshReport:
    """Score users and sessions with the champion, and put the tables in place of the old ones at once.

    Only users whose events changed since the last refresh are encoded; everybody's scores move to the new as_of.
    A reader sees the old tables or the new ones, never a part; where anything fails the old ones stay.
    full: score everybody again, whatever is stored. keep_history: add the scores to `sqlscore.past_scores` too, where
    later events judge them. threads: that encode (default: one a core).

    Raises MappingError or ModelError where there is nothing to score or no model to score with.

    >>> sqlscore.refresh(con).tables
    {'scored_users': 20000, 'scored_sessions': 51234}
    """
    from sqlscore.score_tables.full import refresh_all  # torch: only where a model is used
    from sqlscore.score_tables.incremental import refresh_changed
    from sqlscore.score_tables.run import Run

    start = time.perf_counter()
    where = mapped(con, mapping)
    artifact = catalog(con).artifact(None, mapping)
    with recorded(con, "refresh", mapping) as details, snapshot(con) as reader:
        try:
            as_of, microseconds = one(
                reader, f"SELECT high_water, epoch_us(high_water) FROM {qualified(where.schema, 'high_water')}"
            ) or (None, None)
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.IOException) as error:
            raise MappingError(
                f'the events mapped as "{mapping}" cannot be read: {error}; map them again where they are now'
            ) from error
        mark = mark_now(reader, where, artifact.name, artifact.sha256)
        # a snapshot covers tables; a file of events may still arrive in the middle, and waits for the next refresh
        seen = where if microseconds is None else replace(where, time_cap=microseconds)
        changes = Changes("asked for") if full else find_changes(
            reader, seen, read_mark(reader, where), mark, artifact.manifest.fold
        )  # fmt: skip
        with transaction(con):
            run = Run(
                con=con,
                reader=reader,
                mapping=seen,
                artifact=artifact,
                as_of=microseconds or 0,
                scored_at=now(),
                mark=mark,
                threads=threads,
                progress=progress,
            )
            counts = refresh_all(run) if changes.reason else refresh_changed(run, changes)
            write_mark(con, where, mark)
            if keep_history and microseconds is not None:
                keep_scores(
                    con,
                    where,
                    qualified(where.schema, "scored_users"),
                    f"SELECT * FROM ({usable_events(con, where)}) WHERE event_time <= make_timestamp({microseconds})",
                    artifact,
                    microseconds,
                )
        report = RefreshReport(
            mapping,
            artifact.name,
            as_of,
            "full" if changes.reason else "incremental",
            changes.reason,
            counts.tables,
            counts.n_users,
            counts.n_events,
            time.perf_counter() - start,
        )
        details.update(report.to_dict())
    return report
