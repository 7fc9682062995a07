"""The two ways to bring the score tables up to date: everybody, or who changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.artifact import Artifact
from sqlscore.bulk import Rows, in_order, score_rows, score_users, session_rows, state_rows
from sqlscore.canonical import SOURCE, canonical, usable_events
from sqlscore.changes import STATES, TABLE, Changes, Mark
from sqlscore.errors import MappingError
from sqlscore.events import Mapping
from sqlscore.moving import move_scores
from sqlscore.queries import create_empty, one
from sqlscore.quoting import literal, qualified
from sqlscore.scan import Users, scan
from sqlscore.staging import Appender, Aside, insert_as_they_come, new_table, swap_in
from sqlscore.stored_states import comparable, create_states, states_of
from sqlscore.transactions import now

if TYPE_CHECKING:
    from sqlscore.training import Progress

_SCORES = ("scored_users", "scored_sessions")


@dataclass(frozen=True)
class Run:
    """What a refresh works with. `reader` holds one snapshot of the events; `con` is in the writing transaction."""

    con: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection
    mapping: Mapping
    artifact: Artifact
    as_of: int  # µs
    mark: Mark
    threads: int | None
    progress: Progress | None

    def table(self, name: str) -> str:
        """The quoted name of a table of this mapping."""
        return qualified(self.mapping.schema, name)


@dataclass(frozen=True)
class Counts:
    """Rows by table, and what went through the model."""

    tables: dict[str, int]
    n_users: int
    n_events: int


def everybody(run: Run) -> Counts:
    """Encode all users and put new tables in place of the old ones.

    One pass makes the rows of three tables; one is filled meanwhile and two when it is done, since each gets its rows
    by one statement: see `insert_as_they_come`.
    """
    con, progress = run.con, run.progress
    stamp = {"scored_at": literal(str(now())) + "::TIMESTAMP"}
    create_states(con, run.table(STATES), run.table("events"))
    users, sessions = (new_table(con, run.mapping, name) for name in _SCORES)
    if progress is not None:
        row = one(run.reader, f"SELECT count(*) FROM {run.table('events')}")
        progress.start("scoring", row[0] if row else 0)
    n_events = 0

    with closing(Aside(con)) as later_states, closing(Aside(con)) as later_sessions:

        def scored() -> Iterator[pa.Table]:
            nonlocal n_events
            batches = scan(run.reader, canonical(run.mapping, _events(run)), content=True)
            for rows in in_order(partial(score_users, run.artifact, as_of=run.as_of), batches, run.threads):
                later_states.add(rows.states)
                later_sessions.add(rows.sessions)
                n_events += rows.n_events
                if progress is not None:
                    progress.advance(rows.n_events)
                yield rows.scores

        scores = scored()
        first = next(scores, None)
        n_users = insert_as_they_come(con, users, first, scores, stamp) if first is not None else 0
        later_states.insert(con, run.table(STATES))
        n_sessions = later_sessions.insert(con, sessions, stamp)
    for name in _SCORES:
        swap_in(con, run.mapping, name)
    if progress is not None:
        progress.finish()
    return Counts({"scored_users": n_users, "scored_sessions": n_sessions}, n_users, n_events)


def who_changed(run: Run, changes: Changes) -> Counts:
    """Encode who starts over, advance who goes on, drop who is gone; then move everybody's scores to the new as_of."""
    stamp = {"scored_at": literal(str(now())) + "::TIMESTAMP"}
    states: list[pa.Table] = []
    scores: list[pa.Table] = []
    sessions: list[pa.Table] = []
    events = 0
    pieces = [*_start_over(run, changes), *_go_on(run, changes)]
    for rows in pieces:
        states.append(rows.states)
        scores.append(rows.scores)
        sessions.append(rows.sessions)
        events += rows.n_events
    n_users = sum(len(table) for table in states)
    if n_users != changes.n_over + changes.n_on:
        raise MappingError(
            f'the events mapped as "{run.mapping.name}" were taken away or replaced while they were read: '
            f"{changes.n_over + changes.n_on} users had changed, {n_users} of them were found again; refresh again"
        )
    sessions += _last_sessions(run, changes)
    _replace_changed(
        run, {STATES: (states, None), "scored_users": (scores, stamp), "scored_sessions": (sessions, stamp)}
    )
    move_scores(run.con, run.reader, run.mapping, run.artifact, run.as_of, stamp["scored_at"], run.threads)
    tables = {}
    for name in _SCORES:
        counted = one(run.con, f"SELECT count(*) FROM {run.table(name)}")
        tables[name] = int(counted[0]) if counted else 0
    return Counts(tables, n_users, events)


def _start_over(run: Run, changes: Changes) -> Iterable[Rows]:
    """Users whose past changed: their whole histories again."""
    if not changes.n_over:
        return ()
    query = f"SELECT e.* FROM ({_events(run)}) e SEMI JOIN {_changed('over')} c USING (user_id)"
    batches = scan(run.reader, canonical(run.mapping, query), content=True)
    return in_order(partial(score_users, run.artifact, as_of=run.as_of), batches, run.threads)


def _go_on(run: Run, changes: Changes) -> Iterable[Rows]:
    """Users who only have newer events: their states advanced with those."""
    if not changes.n_on:
        return ()
    stored = run.reader.sql(
        f"SELECT s.* FROM {run.table(STATES)} s SEMI JOIN {_changed('on')} c USING (user_id)"
    ).to_arrow_table()
    known = comparable(stored.column("user_id"))
    old = states_of(stored)
    content = stored.column("content").to_numpy()

    def advance(users: Users) -> Rows:
        at = pc.index_in(comparable(users.ids), value_set=known).to_numpy().astype(np.int64)
        states = run.artifact.encode(users.sequences, old.take(at))
        return Rows(
            state_rows(users.ids, states, content[at] + users.content, run.artifact),
            score_rows(users.ids, states, run.as_of, run.artifact),
            pa.table({}),
            int(users.sequences.offsets[-1]),
        )

    new = _events(run, changes.behind_row)
    query = (
        f"SELECT e.* FROM ({new}) e JOIN {_changed('on')} c USING (user_id) "
        f"WHERE e.event_time > c.last_time AND e.event_time >= {_moment(changes.since)}"
    )
    return in_order(advance, scan(run.reader, canonical(run.mapping, query), content=True), run.threads)


def _last_sessions(run: Run, changes: Changes) -> Iterable[pa.Table]:
    """The last session of users who go on, which may have grown, and the new ones behind it."""
    if not changes.n_on:
        return ()
    first = run.reader.sql(f"SELECT user_id, session_id FROM {_changed('on')}").to_arrow_table()
    known, number = comparable(first.column("user_id")), first.column("session_id").to_numpy()

    def split(users: Users) -> pa.Table:
        at = pc.index_in(comparable(users.ids), value_set=known).to_numpy()
        return session_rows(users.ids, users.sequences, number[at], run.artifact)

    query = (
        f"SELECT e.* FROM ({_events(run)}) e JOIN {_changed('on')} c USING (user_id) "
        f"WHERE e.event_time >= c.session_start AND e.event_time >= {_moment(changes.since)}"
    )
    return in_order(split, scan(run.reader, canonical(run.mapping, query)), run.threads)


def _replace_changed(run: Run, tables: dict[str, tuple[list[pa.Table], dict[str, str] | None]]) -> None:
    """Old rows of who changed out, new ones in. tables: by name, the new rows, and SQL for columns that they lack."""
    con, changed = run.con, "sqlscore_changed_users"
    shape = f"SELECT user_id, NULL::TIMESTAMP AS session_start FROM {run.table(STATES)}"
    create_empty(con, changed, shape, temporary=True)
    rows = run.reader.sql(f"SELECT user_id, session_start FROM {TABLE}").to_arrow_table()
    appender = Appender(con, changed)
    appender.add(rows)
    appender.flush()
    for name, (pieces, constants) in tables.items():
        kept = "c.session_start IS NULL OR t.session_start >= c.session_start" if name == "scored_sessions" else "true"
        con.execute(f"DELETE FROM {run.table(name)} t USING {changed} c WHERE t.user_id = c.user_id AND ({kept})")
        appender = Appender(con, run.table(name), constants)
        for rows in pieces:
            if rows.num_columns and len(rows):
                appender.add(rows)
        appender.flush()
    con.execute(f"DROP TABLE {changed}")


def _events(run: Run, behind_row: int | None = None) -> str:
    """The events up to the mark, as a query; those behind a row alone."""
    last = run.mark.last_row
    if last is None:
        return usable_events(run.reader, run.mapping)
    behind = "" if behind_row is None else f" AND {SOURCE}.rowid > {int(behind_row)}"
    return usable_events(run.reader, run.mapping, f"{SOURCE}.rowid <= {int(last)}{behind}")


def _changed(kind: str) -> str:
    return f"(SELECT * FROM {TABLE} WHERE kind = {literal(kind)})"


def _moment(time: datetime | None) -> str:
    return f"{literal(str(time))}::TIMESTAMP"
