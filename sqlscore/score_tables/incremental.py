"""An incremental refresh: only users whose events changed are encoded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.database.events_query import canonical
from sqlscore.database.queries import one
from sqlscore.database.scan import Users, scan
from sqlscore.errors import MappingError
from sqlscore.events.mapping import HIGH_WATER
from sqlscore.parallel import in_order
from sqlscore.quoting import literal
from sqlscore.score_tables.changes import CHANGES_TABLE, Changes
from sqlscore.score_tables.checksums import AT_THE_MOMENT, Sums, hashes, sums_of_changed, together
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.moments import USERS, dated, moments_of, note_users
from sqlscore.score_tables.rows import Rows, score_rows, score_users, session_rows, state_rows
from sqlscore.score_tables.run import SCORE_TABLES, Counts, Run, usable_of
from sqlscore.score_tables.states_table import comparable, states_of
from sqlscore.score_tables.unchanged import refresh_unchanged
from sqlscore.score_tables.writing import Appender


def refresh_changed(run: Run, changes: Changes) -> Counts:
    """Rescore, advance or drop the users that changed, then bring all others to the new as_of.

    Raises MappingError if the events changed while they were read.
    """
    note_users(run.reader, run.mapping)
    states: list[pa.Table] = []
    scores: list[pa.Table] = []
    sessions: list[pa.Table] = []
    events = 0
    for rows in [*_rescore(run, changes), *_advance(run, changes)]:
        states.append(rows.states)
        scores.append(rows.scores)
        sessions.append(rows.sessions)
        events += rows.n_events
    n_users = sum(len(table) for table in states)
    if n_users != changes.n_over + changes.n_on:
        raise MappingError(
            f'the events mapped as "{run.mapping.name}" were taken away or replaced while they were read: '
            f"{changes.n_over + changes.n_on} users had changed, {n_users} of them were found again: refresh again"
        )
    sessions += _last_sessions(run, changes)
    replaced = _replace_changed(
        run,
        {
            STATES_TABLE: (states, None),
            "scored_users": (scores, run.stamp_of_users),
            "scored_sessions": (sessions, run.stamp),
        },
    )
    if refresh_unchanged(run):
        del replaced[AT_THE_MOMENT]
    tables = {}
    for name in SCORE_TABLES:
        counted = one(run.con, f"SELECT count(*) FROM {run.table(name)}")
        tables[name] = int(counted[0]) if counted else 0
    return Counts(tables, n_users, events, replaced)


def _rescore(run: Run, changes: Changes) -> Iterable[Rows]:
    """Encode the whole histories of users whose past changed."""
    if not changes.n_over:
        return ()
    query = f"SELECT e.* FROM ({usable_of(run)}) e SEMI JOIN {_changed('over')} c USING (user_id)"
    events = canonical(run.mapping, dated(query, run.mapping))
    batches = scan(run.reader, events, content=True, high_water=run.in_groups)
    return in_order(partial(score_users, run.artifact, as_of=run.as_of), batches, run.threads)


def _advance(run: Run, changes: Changes) -> Iterable[Rows]:
    """Advance the states of users who only have newer events."""
    if not changes.n_on:
        return ()
    stored = run.reader.sql(
        f"SELECT s.* FROM {run.table(STATES_TABLE)} s SEMI JOIN {_changed('on')} c USING (user_id)"
    ).to_arrow_table()
    known = comparable(stored.column("user_id"))
    old = states_of(stored)
    content = stored.column("content").to_numpy()

    def advance(users: Users) -> Rows:
        at = pc.index_in(comparable(users.ids), value_set=known).to_numpy().astype(np.int64)
        states = run.artifact.encode(users.sequences, old.take(at))
        return Rows(
            state_rows(users.ids, states, content[at] + users.content, run.artifact),
            score_rows(users.ids, states, moments_of(users.sequences, run.as_of), run.artifact),
            pa.table({}),
            int(users.sequences.offsets[-1]),
        )

    new = usable_of(run, changes.behind_row)
    # What a user's groups are, older events say too.
    newest = f", u.high_water AS {HIGH_WATER}" if run.in_groups else ""
    of_groups = f"JOIN {USERS} u USING (user_id) " if run.in_groups else ""
    query = (
        f"SELECT e.*{newest} FROM ({new}) e JOIN {_changed('on')} c USING (user_id) {of_groups}"
        f"WHERE e.event_time > c.last_time AND e.event_time >= {_moment(changes.since)}"
    )
    batches = scan(run.reader, canonical(run.mapping, query), content=True, high_water=run.in_groups)
    return in_order(advance, batches, run.threads)


def _last_sessions(run: Run, changes: Changes) -> Iterable[pa.Table]:
    """Score the last session of users who only have newer events, since it may have grown, and the new sessions."""
    if not changes.n_on:
        return ()
    first = run.reader.sql(f"SELECT user_id, session_id FROM {_changed('on')}").to_arrow_table()
    known, number = comparable(first.column("user_id")), first.column("session_id").to_numpy()

    def split(users: Users) -> pa.Table:
        at = pc.index_in(comparable(users.ids), value_set=known).to_numpy()
        return session_rows(users.ids, users.sequences, number[at], run.artifact)

    query = (
        f"SELECT e.* FROM ({usable_of(run)}) e JOIN {_changed('on')} c USING (user_id) "
        f"WHERE e.event_time >= c.session_start AND e.event_time >= {_moment(changes.since)}"
    )
    return in_order(split, scan(run.reader, canonical(run.mapping, query)), run.threads)


def _replace_changed(run: Run, tables: dict[str, tuple[list[pa.Table], dict[str, str] | None]]) -> Sums:
    """Replace the rows of users that changed, and sum what was taken out and put in.

    Args:
        run: The refresh.
        tables: For each table by name, the new rows, and SQL for columns that these lack.
    """
    con, changed = run.con, "sqlscore_changed_users"
    shape = f"SELECT user_id, NULL::TIMESTAMP AS session_start FROM {run.table(STATES_TABLE)}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {changed} AS {shape} WITH NO DATA")
    rows = run.reader.sql(f"SELECT user_id, session_start FROM {CHANGES_TABLE}").to_arrow_table()
    appender = Appender(con, changed)
    appender.add(rows)
    appender.flush()
    replaced: Sums = {}
    for name, (pieces, constants) in tables.items():
        kept = "c.session_start IS NULL OR t.session_start >= c.session_start" if name == "scored_sessions" else "true"
        gone = f"DELETE FROM {run.table(name)} t USING {changed} c WHERE t.user_id = c.user_id AND ({kept})"
        taken_out = sums_of_changed(con, gone, hashes(con, run.mapping, name, "t"))
        appender = Appender(con, run.table(name), constants, hashes(con, run.mapping, name))
        for rows in pieces:
            if len(rows):  # rows of sessions may have no columns
                appender.add(rows)
        appender.flush()
        replaced = together(replaced, taken_out, appender.sums)
    con.execute(f"DROP TABLE {changed}")
    return replaced


def _changed(kind: str) -> str:
    return f"(SELECT * FROM {CHANGES_TABLE} WHERE kind = {literal(kind)})"


def _moment(time: datetime | None) -> str:
    return f"{literal(str(time))}::TIMESTAMP"
