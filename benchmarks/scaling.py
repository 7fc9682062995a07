"""Ten times the events: how much longer, and how much more memory? From a table and from hive-partitioned Parquet.

    python benchmarks/scaling.py [--events 1000000 5000000 10000000 50000000] [--verb refresh] [--sources table]

Each size is made by one process, mapped by a second and scored by a third, in bulk (`materialize`) or by a full
refresh, with DuckDB's memory_limit set; the last two report seconds by the wall clock and of processors, and their peak
resident memory. Users have ten events each on average at every size. Parquet is partitioned by the month of the event,
so that every user's events lie in several files. A refresh keeps states and sessions: 50 M events take some gigabytes
of disk, more with one event a session (`--session-events`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCES = ("table", "files")
VERBS = ("materialize", "refresh")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 5_000_000, 10_000_000, 50_000_000])
    parser.add_argument("--memory-limit", default="500MB", help="of DuckDB, in each process")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--verb", choices=VERBS, default=VERBS[0])
    parser.add_argument("--session-events", type=int, default=1, help="events of a user that come a second apart")
    parser.add_argument("--folder", help="where the events are made (default: the temporary folder)")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds after which a size is given up")
    parser.add_argument("--part", nargs=2, metavar=("make|map|score", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        part, folder = chosen.part
        if part == "make":
            make(Path(folder), chosen.events[0], chosen.sources[0], chosen.memory_limit, chosen.session_events)
        elif part == "map":
            print(json.dumps(mapped(Path(folder), chosen.memory_limit)))
        else:
            print(json.dumps(score(Path(folder), chosen.events[0], chosen.verb, chosen.memory_limit)))
        return
    for source in chosen.sources:
        found = {}
        for size in sorted(chosen.events):
            with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
                for part in ("make", "map", "score"):
                    command = [
                        sys.executable, __file__, "--part", part, folder, "--events", str(size),
                        "--sources", source, "--memory-limit", chosen.memory_limit, "--verb", chosen.verb,
                        "--session-events", str(chosen.session_events),
                    ]  # fmt: skip
                    done = subprocess.run(
                        command, check=True, stdout=subprocess.PIPE, text=True, timeout=chosen.timeout
                    )
                    if part == "make":
                        continue
                    found[size] = row = json.loads(done.stdout)
                    print(
                        f"{source:6} {size:>12,} events, {part:5} {row['seconds']:8.2f} s, "
                        f"of processors {row['cpu']:8.2f} s  peak {row['peak_mb']:7.0f} MB",
                        flush=True,
                    )
        for line in ratios(found):
            print(f"{source:6} {line}")


def ratios(found: dict[int, dict[str, float]]) -> list[str]:
    """time(10x) / time(x) for the sizes that are there, and peak memory against that at 5 M events or the first."""
    lines = []
    for size, row in found.items():
        if 10 * size in found:
            ten = found[10 * size]
            wall, cpu = ten["seconds"] / row["seconds"], ten["cpu"] / row["cpu"]
            lines.append(f"time({10 * size:,}) / time({size:,})   {wall:.1f}, of processors {cpu:.1f}")
    base = 5_000_000 if 5_000_000 in found else min(found)
    for size, row in found.items():
        if size > base:
            lines.append(f"peak({size:,}) / peak({base:,})   {row['peak_mb'] / found[base]['peak_mb']:.2f}")
    return lines


def make(folder: Path, events: int, source: str, memory_limit: str, session_events: int) -> None:
    """A database with the events, or files of them."""
    from workload import make_events

    import sqlscore

    with sqlscore.connect(folder / "shop.duckdb", memory_limit=memory_limit) as con:
        make_events(con, events, events // 10, session_events)
        if source == "files":
            con.execute(
                f"COPY (SELECT *, month(event_time) AS month FROM events) TO '{folder / 'events'}' "
                "(FORMAT parquet, PARTITION_BY (month))"
            )
            con.execute("DROP TABLE events")
            con.execute(f"CREATE VIEW events AS FROM read_parquet('{folder / 'events'}/*/*.parquet')")


def mapped(folder: Path, memory_limit: str) -> dict[str, float]:
    """Seconds and peak resident MB of mapping the events; a model is there then too."""
    from workload import make_model, timed

    import sqlscore

    with sqlscore.connect(folder / "shop.duckdb", memory_limit=memory_limit, threads=2) as con:
        began = time.process_time()
        seconds, _ = timed(lambda: make_model(con))
        return {"seconds": seconds, "cpu": time.process_time() - began, "peak_mb": peak_mb()}


def score(folder: Path, events: int, verb: str, memory_limit: str) -> dict[str, float]:
    """Seconds and peak resident MB of scoring all users."""
    from workload import timed

    import sqlscore

    with sqlscore.connect(folder / "shop.duckdb", memory_limit=memory_limit, threads=2) as con:
        con.execute("SELECT list_predict_next_action(['action_1'])").fetchall()  # load once
        began = time.process_time()
        if verb == "refresh":
            seconds, report = timed(lambda: sqlscore.refresh(con, full=True))
            users = report.n_users_encoded
        else:
            seconds, made = timed(lambda: sqlscore.materialize(con, "events", into="bulk"))
            users = made.rows
        cpu = time.process_time() - began
        if not 0.3 * events / 10 < users <= events / 10:
            raise SystemExit(f"{users} users were scored of {events} events")
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this process has had, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 2**20)


if __name__ == "__main__":
    main()
