"""A full refresh: every user is scored anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from sqlscore.database.events_query import canonical
from sqlscore.database.queries import one
from sqlscore.database.scan import scan
from sqlscore.database.transactions import now
from sqlscore.parallel import in_order
from sqlscore.quoting import literal
from sqlscore.score_tables.mark import STATES
from sqlscore.score_tables.rows import score_users
from sqlscore.score_tables.run import SCORES, Counts, Run, usable_of
from sqlscore.score_tables.spool import Aside
from sqlscore.score_tables.states_table import create_states
from sqlscore.score_tables.swap import new_table, swap_in
from sqlscore.score_tables.writing import insert_as_they_come

if TYPE_CHECKING:
    pass


def everybody(run: Run) -> Counts:
    """Encode all users and put new tables in place of the old ones.

    One pass makes the rows of three tables; one is filled meanwhile and two when it is done, since each gets its rows
    by one statement: see `insert_as_they_come`.
    """
    con, progress = run.con, run.progress
    stamp = {"scored_at": literal(str(now())) + "::TIMESTAMP"}
    create_states(con, run.table(STATES), run.table("events"))
    users, sessions = (new_table(con, run.mapping, name) for name in SCORES)
    if progress is not None:
        row = one(run.reader, f"SELECT count(*) FROM {run.table('events')}")
        progress.start("scoring", row[0] if row else 0)
    n_events = 0

    with closing(Aside(con)) as later_states, closing(Aside(con)) as later_sessions:

        def scored() -> Iterator[pa.Table]:
            nonlocal n_events
            batches = scan(run.reader, canonical(run.mapping, usable_of(run)), content=True)
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
    for name in SCORES:
        swap_in(con, run.mapping, name)
    if progress is not None:
        progress.finish()
    return Counts({"scored_users": n_users, "scored_sessions": n_sessions}, n_users, n_events)
