"""Bulk scoring on Spark against a full refresh in DuckDB: same events, same weights, same two cores, same run.

    python benchmarks/spark.py [--users 200000] [--hot 1000000] [--cores 2]

Prints, beside the ratio cold (with the start of Spark) and warm, the unit costs of docs/spark.md: of a partition, of a
user with very many events, of ten times the users; and how many scores differ.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from workload import make_events, make_model, timed

import sqlscore
from sqlscore.spark import score
from sqlscore.spark.start import session

HOT = """COPY (SELECT 0::BIGINT AS user_id, TIMESTAMP '2024-01-01' + to_seconds(i * 7) AS event_time,
    'action_' || (hash(i) % 12) AS event_type FROM range({}) t(i)) TO '{}'"""
DIFFERENT = """SELECT count(*), count(*) FILTER (d.next_action IS DISTINCT FROM s.next_action),
    max(abs(d.next_action_probability - s.next_action_probability)), max(abs(d.churn_risk - s.churn_risk))
    FROM sqlscore.scored_users d FULL JOIN '{}/scored_users/*.parquet' s USING (user_id)"""
PER_USER = 10
"""Events."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--hot", type=int, default=1_000_000, help="events of the one user")
    parser.add_argument("--cores", type=int, default=2)
    chosen = parser.parse_args()
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1"}
    folder = Path(tempfile.mkdtemp(prefix="sqlscore-benchmark-"))
    try:
        compare(folder, chosen.users, chosen.hot, chosen.cores)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(folder: Path, users: int, hot: int, cores: int) -> None:
    """Everything, into a folder that is removed afterwards."""
    file, events = folder / "shop.duckdb", folder / "events.parquet"
    con = sqlscore.connect(file)
    make_events(con, PER_USER * users, users)
    make_model(con)
    con.execute(f"SET threads = {cores}")
    con.table("events").write_parquet(str(events), row_group_size=100_000)
    con.execute(f"COPY (FROM events WHERE user_id % 10 = 0) TO '{folder}/tenth.parquet' (ROW_GROUP_SIZE 10000)")
    con.execute(HOT.format(hot, folder / "hot.parquet"))
    con.execute(HOT.format(1, folder / "one.parquet"))  # what any run costs
    refresh = partial(sqlscore.refresh, con, full=True)
    cold, warm = timed(refresh)[0], min(timed(refresh)[0] for _ in range(2))
    con.close()
    start = time.perf_counter()
    with session(f"local[{cores}]", ["spark.ui.enabled=false", "spark.driver.memory=2g"]) as spark:
        started = time.perf_counter() - start
        run = partial(one, spark, folder, file)
        first = run(events, 8)
        many, few = min(run(events, 8) for _ in range(2)), min(run(folder / "tenth.parquet", 8) for _ in range(2))
        parts = min(run(folder / "tenth.parquet", 108) for _ in range(2))
        burning = min(run(folder / "hot.parquet", 8) for _ in range(2))
        nothing = min(run(folder / "one.parquet", 8) for _ in range(2))
        run(events, 8)
    print(f"{PER_USER * users:,} events of {users:,} users, {cores} cores, gru")
    print(f"DuckDB: first {cold:.1f} s, warm {warm:.1f} s")
    print(f"Spark: start {started:.1f} s, first {first:.1f} s, warm {many:.1f} s")
    print(f"Spark / DuckDB: cold {(started + first) / cold:.1f}, warm {many / warm:.1f}")
    print(f"a run on one event: {nothing:.1f} s")
    print(f"a partition more: {(parts - few) * cores / 100 * 1000:.0f} ms of a core")
    print(f"10 times the users: {many / few:.1f} times the seconds ({few:.1f} s to {many:.1f} s)")
    print(
        f"a million events over {users:,} users: {(many - nothing) * cores / (PER_USER * users / 1e6):.1f} s of a core"
    )
    print(f"a user with {hot:,} events: {burning - nothing:.1f} s of a core, which cannot be divided")
    report(file, folder / "out")


def one(spark: Any, folder: Path, file: Path, events: Path, partitions: int) -> float:
    """Seconds of a run."""
    replace = (folder / "out").exists()
    out = str(folder / "out")
    return timed(lambda: score(spark, file, str(events), out, partitions=partitions, replace=replace))[0]


def report(file: Path, out: Path) -> None:
    """How the scores differ."""
    with sqlscore.connect(file) as con:
        users, actions, probability, risk = con.execute(DIFFERENT.format(out)).fetchall()[0]
    print(
        f"{users:,} users: {actions} next actions differ; probabilities by {probability:.1e} and churn risks by "
        f"{risk:.1e} at most"
    )
    if actions:
        sys.exit(1)


if __name__ == "__main__":
    main()
