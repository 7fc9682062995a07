"""Bulk scoring against what else there is, on the same events, in the same run.

    python benchmarks/peers.py [--events 2000000] [--users 200000] [--sample 5000] [--environments FOLDER]

- a native (non-Arrow) Python function in DuckDB, called for every row, with the same weights;
- pandas features by hand and LightGBM: another model, which is the usual one;
- pytorch-lifestream inference with a GRU of the same size (its own random weights), and the encoders alone;
- PySpark's arrow_udf on two local cores, with the same weights.

Each peer runs in a process and an environment of its own, which the benchmark makes with pip (`--environments FOLDER`
keeps them for the next time; PySpark's takes half a gigabyte). A peer that cannot be installed or imported is skipped,
with the reason; PySpark needs a Java 17 runtime. Slow ones are timed on the events of the first --sample users and
reported per user, beside sqlscore on all.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from peer_environments import run_apart
from workload import make_events, make_model, timed

import sqlscore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--sample", type=int, default=5_000, help="users that slow peers are timed on")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--environments", type=Path, help="where those of the peers are kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(chosen, Path(folder) / "shop.duckdb", chosen.environments or Path(folder) / "environments")


def compare(chosen: argparse.Namespace, database: Path, environments: Path) -> None:
    """Score here, then let each peer do it."""
    with sqlscore.connect(database) as con:
        make_events(con, chosen.events, chosen.users)
        make_model(con)
        sqlscore.materialize(con, "events", into="bulk")
        seconds, made = min(
            (timed(lambda: sqlscore.materialize(con, "events", into="bulk")) for _ in range(chosen.repeats)),
            key=lambda found: found[0],
        )
        con.execute(
            """CREATE TABLE sample AS FROM events
               WHERE user_id IN (SELECT DISTINCT user_id FROM events ORDER BY 1 LIMIT ?)""",
            [chosen.sample],
        )
    ours = seconds / made.rows
    print(f"{chosen.events:,} events, {made.rows:,} users: sqlscore {ours * 1e6:.1f} µs a user", flush=True)
    for title, name, table in (
        ("native function per row", "native", "sample"),
        ("pandas + LightGBM", "boosted", "events"),
        ("pytorch-lifestream 0.6.0", "lifestream", "sample"),
        ("PySpark 4.3 arrow_udf", "spark", "events"),
    ):
        try:
            theirs, users = run_apart(name, table, database, environments)
        except ImportError as error:
            print(f"{title:24} skipped: {error}", flush=True)
            continue
        each = theirs / users
        print(f"{title:24} {each * 1e6:9.1f} µs a user: {each / ours:6.1f} times sqlscore's", flush=True)
        if name == "lifestream":
            theirs, own = run_apart("encoders", table, database, environments)
            print(f"{'':24} its encoder on ready batches: {theirs / own:.2f} times sqlscore's", flush=True)


if __name__ == "__main__":
    main()
