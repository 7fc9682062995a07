"""What the guards cost an incremental refresh: the processor time that they take, in the refresh's own run.

    python benchmarks/guards.py [--events 2000000] [--users 200000] [--changed 0.01]

The scan that counts stands in place of the one for the newest time alone, which is timed beside it: the guards' cost is
the difference, with reading and writing the profiles. Median of the repeats, each part; all threads are counted, so a
loaded machine hardly matters.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any, TypeVar

from incremental import change
from workload import make_events, make_model

import sqlscore
from sqlscore.verbs import refresh as module

PARTS = ("check_types", "watch", "count_scored", "of_users", "judge", "read_guards", "read_profiles", "write_profile")


T = TypeVar("T")


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """Seconds of processor time, of all threads, and result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users, session_events=10)
    make_model(con)
    sqlscore.refresh(con, full=True)
    spent: dict[str, float] = {}
    for name in PARTS:
        setattr(module, name, _timed_part(name, getattr(module, name), spent))
    for append_only in (False, True):
        sqlscore.map_events(con, "events", append_only=append_only, force=True)
        sqlscore.refresh(con)
        totals, guards, newest = [], [], []
        for _ in range(chosen.repeats):
            change(con, chosen.changed)
            spent.clear()
            totals.append(timed(lambda: sqlscore.refresh(con))[0])
            guards.append(sum(spent.values()))
            newest.append(timed(lambda: con.sql("FROM sqlscore.high_water").fetchall())[0])
        extra = median(guards) - median(newest)
        how = "append-only" if append_only else "by hashes"
        print(
            f"{how:12} refresh {median(totals):.3f} s, guards {median(guards):.3f} s in place of "
            f"{median(newest):.3f} s: {extra / (median(totals) - extra):+.1%}"
        )
    con.close()


def _timed_part(name: str, work: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        seconds, result = timed(lambda: work(*args, **kwargs))
        spent[name] = spent.get(name, 0.0) + seconds
        return result

    return run


if __name__ == "__main__":
    main()
