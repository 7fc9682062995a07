"""What a year of hourly refreshes leaves in a file: its size, memory, the time of a refresh, rows of each table.

    python benchmarks/growth.py --refreshes 10000 [--keep-history 24] [--users 200]

Each refresh follows a few new events and is an incremental one; every so many of them keep their scores. The file is
closed and opened again between the tenths of the run, as a scheduled job does. A line a tenth, and at the end what
`vacuum` with the default policy and with `--rewrite` leave.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import duckdb

import sqlscore

EVENTS = """CREATE TABLE clicks AS
    SELECT i % {users} AS user_id, TIMESTAMP '2024-01-01' + to_seconds(i * 60) AS event_time,
    (['view', 'view', 'search', 'cart', 'buy'])[1 + (i + i // 7) % 5] AS event_type FROM range({events}) t(i)"""
NEWS = """INSERT INTO clicks SELECT (? * 7 + i) % ?, (SELECT max(event_time) FROM clicks) + to_minutes(60 + i),
    (['view', 'search', 'cart'])[1 + (? + i) % 3] FROM range(3) t(i)"""
TABLES = ("runs", "past_scores", "event_profiles", "champions", "scored_users", "scored_sessions", "user_states")
PARTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--refreshes", type=int, default=10_000)
    parser.add_argument(
        "--keep-history", type=int, default=24, help="every so many refreshes keep their scores; 0: none"
    )
    parser.add_argument("--users", type=int, default=200)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="sqlscore-growth-") as folder:
        path = Path(folder) / "growth.duckdb"
        with sqlscore.connect(path) as con:
            con.execute(EVENTS.format(users=chosen.users, events=chosen.users * 20))
            sqlscore.map_events(con, "clicks")
            sqlscore.train(con, architecture="markov")
            sqlscore.refresh(con)
        print(f"{chosen.users} users; one refresh in {chosen.keep_history} keeps its scores")
        done = 0
        for part in range(1, PARTS + 1):
            until = chosen.refreshes * part // PARTS
            seconds = refreshed(path, done, until, chosen.users, chosen.keep_history)
            done = until
            each = statistics.median(seconds) * 1e3
            print(f"{done:6,} refreshes: {each:5.1f} ms of processor time each, {described(path)}", flush=True)
        for name, options in (("vacuum", {}), ("vacuum --rewrite", {"rewrite": True})):
            began = time.perf_counter()
            sqlscore.vacuum(path, **options)
            print(f"{name}: {time.perf_counter() - began:.1f} s, {described(path)}", flush=True)


def refreshed(path: Path, first: int, until: int, users: int, keep_history: int) -> list[float]:
    """Refresh so many times; the seconds of processor time of each."""
    seconds = []
    with sqlscore.connect(path, threads=1) as con:
        for number in range(first, until):
            con.execute(NEWS, [number, users, number])
            began = time.process_time()
            kept = keep_history > 0 and number % keep_history == 0
            report = sqlscore.refresh(con, keep_history=kept, accept=True)
            seconds.append(time.process_time() - began)
            if report.kind != "incremental":
                raise SystemExit(f"refresh {number} was {report.kind}: {report.reason}")
    return seconds


def described(path: Path) -> str:
    """Size of the file, memory of this process, rows of the tables."""
    with duckdb.connect(path, read_only=True) as con:
        rows = []
        for name in TABLES:
            ((count,),) = con.execute(f"SELECT count(*) FROM sqlscore.{name}").fetchall()
            rows.append(f"{name} {count:,}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return f"file {path.stat().st_size / 1e6:.1f} MB, peak RSS {peak:.0f} MB, rows: {', '.join(rows)}"


if __name__ == "__main__":
    main()
