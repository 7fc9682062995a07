"""Bulk scoring with two threads against one, alternating, in one process.

    python benchmarks/threads.py [--events 2000000] [--users 200000] [--architecture gru] [--repeats 3]

"One" is one engine thread and one scoring thread, "two" two of each; torch has one inside every scoring thread.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

from workload import make_events, make_model, timed

import sqlscore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("this machine has one core: there is nothing to compare")
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    make_model(con, chosen.architecture)
    best = {1: float("inf"), 2: float("inf")}
    for turn in range(chosen.repeats + 1):
        for threads in best:
            con.execute(f"SET threads = {threads}")
            seconds, _ = timed(partial(sqlscore.materialize, con, "events", into="bulk", threads=threads))
            if turn:  # the first turn warms
                best[threads] = min(best[threads], seconds)
    con.close()
    print(f"{chosen.architecture}, {chosen.events:,} events: one thread {best[1]:.2f} s, two {best[2]:.2f} s")
    print(f"one thread / two, bulk    {best[1] / best[2]:.2f}")


if __name__ == "__main__":
    main()
