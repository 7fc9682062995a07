"""The verb `refresh`: bring the score tables up to date, all in one transaction."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import events_until
from sqlscore.database.queries import one
from sqlscore.database.transactions import now, on_own_connection, recorded, snapshot, transaction
from sqlscore.errors import GuardWarning
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.composition.feeds import FeedState, feed_states, waiting
from sqlscore.mapping.guards import judge, outcomes, read_guards, refuse
from sqlscore.mapping.of_scores import Scored, of_users
from sqlscore.mapping.readers import check_readers, note_views, views_changed
from sqlscore.mapping.roles import UNREADABLE, check_types, unreadable
from sqlscore.mapping.watch import ACCEPTED, REFRESHED, Watched, read_profiles, watch, write_profile
from sqlscore.quoting import qualified
from sqlscore.score_tables.appended import watch_appended
from sqlscore.score_tables.changes import Changes, find_changes
from sqlscore.score_tables.mark import STATES_TABLE, Mark, mark_now, read_mark, write_mark
from sqlscore.score_tables.marked import clear_marks
from sqlscore.score_tables.moments import note_groups
from sqlscore.score_tables.past_scores import keep_scores
from sqlscore.upkeep.retention import cut_tables, stored_span

if TYPE_CHECKING:
    from sqlscore.progress import Progress


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did."""

    mapping: str
    model: str
    as_of: datetime | None  # the moment of the scores
    kind: str  # "incremental" or "full"
    reason: str | None  # why it was full
    tables: dict[str, int]  # rows by table
    n_users_encoded: int
    n_events: int  # that went through the model
    seconds: float
    warnings: tuple[str, ...] = ()  # what the guards warn of, or refused and you accepted
    notes: tuple[str, ...] = ()
    guards: dict[str, str] = field(default_factory=dict)  # ok, note, warn, or refuse and you accepted
    sources: tuple[FeedState, ...] = ()  # if there are several

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def refresh(
    con: duckdb.DuckDBPyConnection,
    *,
    full: bool = False,
    keep_history: bool = False,
    vectors: bool = False,
    accept: bool = False,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
    progress: Progress | None = None,
) -> RefreshReport:
    """Score users and sessions with the champion, and replace the score tables in one transaction.

    What fine-tuned heads say is in `sqlscore.scored_labels`, one row a user and a label, if there are such heads;
    where one says spend, what may be lost is in its column `value_at_risk`, and in `segment_value_at_risk` by segment.

    Only users whose events changed since the last refresh are encoded; all scores are brought to the new as_of. A
    reader sees either the old tables or the new ones. If anything fails, the old ones stay. So they do if the events
    are refused by a guard (see docs/guards.md); what a guard warns of is in the report, and a Python warning too.

    Events of several sources are read, and scored, up to the newest one of the slowest source that has not stopped;
    the report says which that is, and how many newer events of the others wait.

    Args:
        con: A connection that `connect` made.
        full: Score all users again, whatever is stored.
        keep_history: Also add the scores to `sqlscore.past_scores`, to be judged by later events.
        vectors: Also store the users' representations in `sqlscore.user_vectors`, so that `similar_users` need not make
            them at each call. Refreshes after this one keep them up to date without being asked.
        accept: Score events that a guard refuses, and compare those of later refreshes with these.
        mapping: The name of the mapping.
        threads: How many threads encode; by default one per core.
        progress: Is told how many events were scored.

    Raises MappingError or ModelError if there is nothing to score, or no model to score with, MappingError if the
    events cannot be read, or if their view was replaced by one that shows other events to other sessions, EventsError
    if a column's type has changed to one that its role cannot have, GuardError if a guard refuses the events.

    Examples:
        >>> sqlscore.refresh(con).tables
        {'scored_users': 20000, 'scored_sessions': 51234}
    """
    from sqlscore.score_tables.all_or_changed import refresh_tables  # torch: only if a model is used
    from sqlscore.score_tables.labels import refresh_labels
    from sqlscore.score_tables.run import Run
    from sqlscore.score_tables.vectors import VECTORS_TABLE, refresh_vectors

    start = time.perf_counter()
    source = mapped(con, mapping)
    artifact = catalog(con).artifact(None, mapping)
    with recorded(con, "refresh", mapping) as details, snapshot(con) as reader:
        try:
            check_types(reader, source)
            mark, before = mark_now(reader, source, artifact.name, artifact.sha256), read_profiles(con, mapping)
            old = None if full else read_mark(reader, source)
            of_new = watch_appended(reader, source, old, mark, before.last)
            watched = of_new or watch(reader, source)
        except UNREADABLE as error:
            raise unreadable(source, error) from error
        changed_views = views_changed(reader, source)
        if changed_views:
            check_readers(reader, source)
        guards = read_guards(con)
        refuse(judge(reader, source, guards, watched, before), guards, mapping, accept)
        # A snapshot covers tables, not files: events of a file that arrives meanwhile wait for the next refresh.
        seen, microseconds = _up_to_newest(source, watched)
        if full:
            changes = Changes("asked for")
        else:
            changes = find_changes(reader, seen, _trusted(old, before.last), mark, artifact.manifest.fold)
        if changes.reason is not None and of_new is not None:  # all rows are scored, and so looked at
            watched = watch(reader, source)
            refuse(judge(reader, source, guards, watched, before), guards, mapping, accept)
            seen, microseconds = _up_to_newest(source, watched)
        note_groups(reader, seen)
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
            counts, reason = refresh_tables(run, changes)
            of_labels, of_heads = refresh_labels(run)
            n_vectors, of_vectors = refresh_vectors(run, vectors, reason is not None)
            write_mark(con, source, mark, old, counts.replaced)
            clear_marks(con, reader, source, microseconds)
            if changed_views:
                note_views(con, source)
            watched = of_users(watched, count_scored(con, run.table(STATES_TABLE), artifact.name), before.last)
            found = judge(reader, source, guards, watched, before)
            refuse(found, guards, mapping, accept)
            write_profile(con, mapping, REFRESHED, watched, () if accept else found)
            if accept:
                write_profile(con, mapping, ACCEPTED, watched, ())
            if keep_history and microseconds is not None:
                keep_scores(
                    con,
                    source,
                    qualified(source.schema, "scored_users"),
                    events_until(con, source, microseconds),
                    artifact,
                    microseconds,
                )
                span = stored_span(con)
                if span is not None:
                    cut_tables(con, source, span)
        sources = feed_states(reader, source)
        behind = waiting(sources)
        report = RefreshReport(
            mapping=mapping,
            model=artifact.name,
            as_of=watched.newest_time,
            kind="full" if reason else "incremental",
            reason=reason,
            tables={
                **counts.tables,
                **of_labels,
                **({} if n_vectors is None else {VECTORS_TABLE: n_vectors}),
            },
            n_users_encoded=counts.n_users,
            n_events=counts.n_events,
            seconds=time.perf_counter() - start,
            warnings=tuple(finding.what for finding in found if finding.outcome != "note"),
            notes=(
                *(finding.what for finding in found if finding.outcome == "note"),
                *([behind] if behind is not None else []),
                *([changes.note] if changes.note is not None else []),
                *of_heads,
                *of_vectors,
            ),
            guards=outcomes(guards, found),
            sources=sources,
        )
        details.update(report.to_dict())
    for warning in report.warnings:
        warnings.warn(f"{mapping}: {warning}", GuardWarning, stacklevel=3)
    return report


def _up_to_newest(source: Mapping, watched: Watched) -> tuple[Mapping, int | None]:
    """The mapped events up to the newest one that was counted, and its time, µs; None if there is none."""
    if watched.newest_time is None:
        return source, None
    moment = (watched.newest_time - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    return replace(source, time_cap=moment), moment


def _trusted(old: Mark | None, last: Watched | None) -> Mark | None:
    """The mark, without its last row if a row that was read already may count by now."""
    return replace(old, last_row=None) if old is not None and last is not None and last.n_future else old


def count_scored(con: duckdb.DuckDBPyConnection, users: str, model: str) -> Scored:
    """Count in the states of the users, a table by its quoted name, inside the caller's transaction."""
    counted = one(
        con, f"SELECT count(*), max(n_events), coalesce(sum(n_events), 0), coalesce(sum(n_unknown), 0) FROM {users}"
    )
    n_users, largest, n_events, n_unknown = counted or (0, None, 0, 0)
    return Scored(model, n_users, largest, int(n_events), int(n_unknown))
