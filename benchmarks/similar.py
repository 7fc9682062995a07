"""Users like one among many: how long it takes once vectors are stored, what storing costs, and are they alike.

    python benchmarks/similar.py [--users 1000000] [--events 5000000] [--data DIR]

CPU seconds of a refresh without vectors, of one that stores them, of one with 1 % of users changed, and of
`similar_users` for users one after another, its check for newer events included. With --data (a folder of
SET/*.parquet), a model is trained on online_retail up to a day, and what the nearest 25 users bought within 30 days
after it is compared with what the user did: ROC AUC of their share of buyers, beside that of 25 others and of a rule.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
from sklearn.metrics import roc_auc_score
from workload import make_events, make_model

import sqlscore

Result = TypeVar("Result")

CUT, DAYS, NEAR, ASKED = "2011-10-01", 30, 25, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sqlscore.connect(Path(folder) / "similar.duckdb") as con:
        speed(con, asked.users, asked.events)
    if asked.data is not None:
        with sqlscore.connect() as con:
            alike(con, asked.data / "online_retail" / "invoices.parquet")


def speed(con: duckdb.DuckDBPyConnection, users: int, events: int) -> None:
    """Each user has one event, and the other events are anybody's."""
    make_events(con, max(events - users, 1), users, session_events=4)
    con.execute(
        """INSERT INTO events SELECT i, TIMESTAMP '2024-01-01' + to_seconds(i % 86400), 'action_' || i % 12
           FROM range(?) t(i)""",
        [users],
    )
    make_model(con)
    con.execute("CHECKPOINT")
    print(f"{users:,} users, {events:,} events, CPU s")
    spent("full refresh", lambda: sqlscore.refresh(con, full=True))
    spent("the same, and vectors stored", lambda: sqlscore.refresh(con, full=True, vectors=True))
    con.execute(
        """INSERT INTO events SELECT i * 100, TIMESTAMP '2024-04-01' + to_seconds(i), 'action_1' FROM range(?) t(i)""",
        [users // 100],
    )
    spent("refresh with 1 % changed", lambda: sqlscore.refresh(con))
    for user in (7, 8, users - 1):
        query = f"FROM sqlscore.similar_users({user}, 10)"
        found = spent(query, partial(rows_of, con, query))
        assert len(found) == 10, found


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def alike(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Whether users who are near by their vectors do alike later."""
    con.execute("CREATE TABLE log AS FROM read_parquet(?) WHERE ts < CAST(? AS TIMESTAMP)", [str(file), CUT])
    con.execute(
        f"""CREATE TABLE later AS SELECT DISTINCT user_id FROM read_parquet(?)
            WHERE ts >= TIMESTAMP '{CUT}' AND ts < TIMESTAMP '{CUT}' + INTERVAL {DAYS} DAY
              AND event_type = 'purchase'""",
        [str(file)],
    )
    sqlscore.map_events(con, "log", event_time="ts", features=["n_lines", "value", "country"])
    sqlscore.train(con)
    sqlscore.refresh(con, vectors=True)
    ids = [row[0] for row in con.execute("SELECT user_id FROM sqlscore.user_vectors ORDER BY hash(user_id)").fetchall()]
    buys = {row[0] for row in con.execute("FROM later").fetchall()}
    own, near, others = [], [], []
    for i, user in enumerate(ids[:ASKED]):
        found = con.execute("SELECT user_id FROM sqlscore.similar_users(?, ?)", [user, NEAR]).fetchall()
        own.append(user in buys)
        near.append(np.mean([other in buys for (other,) in found]))
        others.append(np.mean([other in buys for other in ids[i + 1 : i + 1 + NEAR]]))
    rule = dict(con.execute("SELECT user_id, -days_silent FROM sqlscore.scored_users").fetchall())
    print(f"online_retail as of {CUT}, who buys within {DAYS} days ({np.mean(own):.1%} of {len(own)} users), ROC AUC")
    print(f"share among the {NEAR} nearest  {roc_auc_score(own, near):.3f}")
    print(f"share among {NEAR} others       {roc_auc_score(own, others):.3f}")
    print(f"days since the last event      {roc_auc_score(own, [rule[user] for user in ids[:ASKED]]):.3f}")


def spent(what: str, run: Callable[[], Result]) -> Result:
    """Print the CPU and wall seconds of a call; its result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = run()
    print(f"{what:44} {time.process_time() - cpu:7.2f}  ({time.perf_counter() - wall:.2f} s)", flush=True)
    return result


if __name__ == "__main__":
    main()
