"""A full refresh: all users are scored again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pyarrow as pa

from sqlscore.database.events_query import canonical
from sqlscore.database.queries import one
from sqlscore.database.scan import scan
from sqlscore.database.score_triggers import without_score_triggers
from sqlscore.database.swap import new_table, swap_in
from sqlscore.parallel import in_order
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.moments import dated
from sqlscore.score_tables.rows import score_users
from sqlscore.score_tables.run import SCORE_TABLES, Counts, Run, usable_of
from sqlscore.score_tables.spool import Spool
from sqlscore.score_tables.states_table import create_states
from sqlscore.score_tables.writing import insert_as_they_come


def refresh_all(run: Run) -> Counts:
    """Encode all users, and replace the old tables by new ones.

    One pass makes the rows of three tables, and each table gets its rows in one statement (see `insert_as_they_come`).
    So one table is filled during the pass, and the rows of the other two are spooled to disk until it ends.
    """
    con, progress, manifest = run.con, run.progress, run.artifact.manifest
    create_states(con, run.mapping.schema)
    users, sessions = (new_table(con, run.mapping, name, manifest.active_within) for name in SCORE_TABLES)
    if progress is not None:
        row = one(run.reader, f"SELECT count(*) FROM {run.table('events')}")
        progress.start("scoring", row[0] if row else 0)
    n_events = 0

    with closing(Spool(con)) as later_states, closing(Spool(con)) as later_sessions:

        def scored() -> Iterator[pa.Table]:
            nonlocal n_events
            events = canonical(run.mapping, dated(usable_of(run), run.mapping))
            batches = scan(run.reader, events, content=True, high_water=run.in_groups)
            for rows in in_order(partial(score_users, run.artifact, as_of=run.as_of), batches, run.threads):
                later_states.add(rows.states)
                later_sessions.add(rows.sessions)
                n_events += rows.n_events
                if progress is not None:
                    progress.advance(rows.n_events)
                yield rows.scores

        scores = scored()
        first = next(scores, None)
        n_users = insert_as_they_come(con, users, first, scores, run.stamp_of_users) if first is not None else 0
        later_states.insert(con, run.table(STATES_TABLE))
        n_sessions = later_sessions.insert(con, sessions, run.stamp)
    with without_score_triggers(con, run.mapping):
        for name in SCORE_TABLES:
            swap_in(con, run.mapping, name)
    if progress is not None:
        progress.finish()
    return Counts({"scored_users": n_users, "scored_sessions": n_sessions}, n_users, n_events)
