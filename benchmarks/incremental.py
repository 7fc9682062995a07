"""Incremental refresh with 1 % of users changed against a full one: same events, same model, same run.

    python benchmarks/incremental.py [--events 2000000] [--users 200000] [--changed 0.01] [--clock processor]

Three ways to notice changes are timed: by the hashes of all events (new, changed, deleted), by the rows behind the last
one of a table that was mapped as append-only, and by what the triggers of `sqlscore watch` noted. So is the insert
itself, without triggers and with them, and with one that scores. By the clock `processor` the seconds of a refresh are
of the process, which has one thread then.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from itertools import product

import duckdb
from workload import make_events, make_model, timed

import sqlscore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users, session_events=10)
    make_model(con)
    clock, threads = time.perf_counter, None
    if chosen.clock == "processor":
        clock, threads = time.process_time, 1
        con.execute("SET threads = 1")
    sqlscore.refresh(con, full=True)
    users = con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall()[0][0]
    print(f"{chosen.events:,} events, {users:,} users, {chosen.changed:.1%} of them changed; best of {chosen.repeats}")
    for how in ("by hashes", "append-only", "watched"):
        sqlscore.map_events(con, "events", append_only=how == "append-only", force=True)
        if how == "watched":
            sqlscore.watch(con)
        sqlscore.refresh(con)
        seconds, fulls, inserts = [], [], []
        for _ in range(chosen.repeats):  # in turns, so that a slow minute touches both alike
            inserts.append(timed(lambda: change(con, chosen.changed))[0])
            found, report = timed(lambda: sqlscore.refresh(con, threads=threads), clock)
            if report.kind != "incremental":
                raise SystemExit(f"the refresh was {report.kind}: {report.reason}")
            seconds.append(found)
            fulls.append(timed(lambda: sqlscore.refresh(con, full=True, threads=threads), clock)[0])
        print(
            f"{how:12} {min(seconds):.2f} s, full {min(fulls):.2f} s: {min(seconds) / min(fulls):.3f}  "
            f"({report.n_users_encoded:,} users, {report.n_events:,} events encoded; the insert {min(inserts):.3f} s)"
        )
    for score, users in product((False, True), (1, 100)):
        sqlscore.watch(con, score=score, yes=score)
        insert = partial(change, con, users / 10_000, limit=users)
        found = min(timed(insert)[0] for _ in range(chosen.repeats))
        print(f"one event of each of {users} users, {'scored' if score else 'noted'}: {found:.3f} s")
    con.close()


def change(con: duckdb.DuckDBPyConnection, share: float, limit: int | None = None) -> None:
    """One new event for this share of the users, or for so many at most, later than all."""
    con.execute(
        """INSERT INTO events SELECT user_id, (SELECT max(event_time) FROM events) + INTERVAL 1 MINUTE, 'action_1'
           FROM (SELECT DISTINCT user_id FROM events) WHERE hash(user_id + 1) % 10000 < ? LIMIT ?""",
        [int(10_000 * share), limit],
    )


if __name__ == "__main__":
    main()
