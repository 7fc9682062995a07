"""Bulk scoring against what else there is, on the same events, in the same run.

    python benchmarks/peers.py [--events 2000000] [--users 200000] [--sample 5000]

- a native (non-Arrow) Python function in DuckDB, called for every row, with the same weights;
- pandas features by hand and LightGBM: another model, which is the usual one;
- pytorch-lifestream inference with a GRU of the same size (its own random weights);
- PySpark's arrow_udf on two local cores, with the same weights.

A peer that is not installed is skipped, and the line says how to install it. Slow ones are timed on the events of
the first --sample users and reported per user, beside sqlscore on all.
"""

from __future__ import annotations

import argparse

from peer_libraries import boosted, lifestream, spark
from peer_native import native
from workload import make_events, make_model, timed

import sqlscore
from sqlscore.database.catalog import catalog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--sample", type=int, default=5_000, help="users that slow peers are timed on")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    make_model(con)
    artifact = catalog(con).artifact(None, "events")
    sqlscore.materialize(con, "events", into="bulk")
    seconds, made = min(
        (timed(lambda: sqlscore.materialize(con, "events", into="bulk")) for _ in range(chosen.repeats)),
        key=lambda found: found[0],
    )
    ours = seconds / made.rows
    print(f"{chosen.events:,} events, {made.rows:,} users: sqlscore {ours * 1e6:.1f} µs a user")
    con.execute(
        "CREATE TABLE sample AS FROM events WHERE user_id IN (SELECT DISTINCT user_id FROM events ORDER BY 1 LIMIT ?)",
        [chosen.sample],
    )
    for name, peer, table in (
        ("native function per row", native, "sample"),
        ("pandas + LightGBM", boosted, "events"),
        ("pytorch-lifestream", lifestream, "sample"),
        ("PySpark arrow_udf", spark, "events"),
    ):
        try:
            theirs, users = peer(con, table, artifact)
        except ImportError as error:
            print(f"{name:24} skipped: {error}")
            continue
        print(f"{name:24} {theirs / users * 1e6:9.1f} µs a user: {theirs / users / ours:6.1f} times sqlscore's")
    con.close()


if __name__ == "__main__":
    main()
