"""`connect()` on a prepared file plus the first score against `import torch` alone, each in a process of its own.

    python benchmarks/startup.py [--repeats 7] [--architecture markov] [--clock processor]
    python benchmarks/startup.py --new

A model of counts (`--architecture markov`) imports no torch. Beside them stands importing torch, duckdb and pyarrow
with nothing of ours: no score of a network comes sooner. The runs alternate, so that load on the machine and a cold
disk touch all; reported are ratios of the medians. On a loaded machine, `--clock processor` counts processor seconds.

With `--new`, instead: processor seconds of `connect()` to a file that is not there yet and of mapping a table in it, by
the time that the engine takes for as many statements as a mapped file has comments, which sets the least.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TORCH = "import torch"
FLOOR = "import torch, duckdb, pyarrow.compute"
SCORE = """import sys, sqlscore
con = sqlscore.connect(sys.argv[1])
rows = con.execute("SELECT list_predict_next_action(['action_1', 'action_2'])").fetchall()
con.close()
assert "pandas" not in sys.modules
assert rows[0][0].startswith("action_"), rows"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--new", action="store_true", help="a new file and its first mapping")
    chosen = parser.parse_args()
    if chosen.new:
        with tempfile.TemporaryDirectory() as folder:
            statements, connected, mapped = new_file(Path(folder), chosen.repeats)
        print(
            f"{COMMENTS} statements {statements:.3f} s, connecting to a new file {connected:.3f} s: "
            f"{connected / statements:.2f}, mapping {mapped:.3f} s: {mapped / statements:.2f}"
        )
        return
    clock = time.perf_counter if chosen.clock == "wall" else of_children
    with tempfile.TemporaryDirectory() as folder:
        path = prepare(Path(folder) / "shop.duckdb", chosen.architecture)
        torch, floor, ours = measure(path, chosen.repeats, clock)
    print(f"import torch {torch:.2f} s, connect and first score {ours:.2f} s: {ours / torch:.2f}")
    print(f"import torch, duckdb and pyarrow {floor:.2f} s: {floor / torch:.2f}")


COMMENTS = 450
"""About as many as a mapping makes."""


def new_file(folder: Path, repeats: int) -> tuple[float, float, float]:
    """Median processor seconds of COMMENTS statements, of connecting to a new file and of mapping events in it."""
    import sqlscore

    found: list[tuple[float, float, float]] = []
    for turn in range(repeats + 1):
        start = time.process_time()
        con = sqlscore.connect(folder / f"{turn}.duckdb")
        connected = time.process_time()
        con.execute(
            """CREATE TABLE events AS
               SELECT i % 10 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i::INTEGER) AS event_time,
                   'action_' || i % 3 AS event_type FROM range(1000) AS t(i);
               CREATE VIEW plain AS SELECT 1 AS x"""
        )
        made = time.process_time()
        sqlscore.map_events(con, "events")
        mapped = time.process_time()
        con.execute("BEGIN;" + "COMMENT ON COLUMN plain.x IS 'any';" * COMMENTS + "COMMIT")
        commented = time.process_time()
        con.close()
        if turn:
            found.append((commented - mapped, connected - start, mapped - made))
    statements, first, second = zip(*found, strict=True)
    return statistics.median(statements), statistics.median(first), statistics.median(second)


def prepare(path: Path, architecture: str = "gru") -> Path:
    """A file with events and a model, made in this process."""
    from workload import make_events, make_model

    import sqlscore

    with sqlscore.connect(path) as con:
        make_events(con, 10_000, 1_000)
        make_model(con, architecture)
    return path


def measure(path: Path, repeats: int, clock: Callable[[], float]) -> tuple[float, float, float]:
    """Median seconds of `import torch`, of that with duckdb and pyarrow, and of connecting and scoring."""
    times: dict[str, list[float]] = {TORCH: [], FLOOR: [], SCORE: []}
    for turn in range(repeats + 1):
        for code, found in times.items():
            start = clock()
            subprocess.run([sys.executable, "-c", code, str(path)], check=True)
            if turn:  # the first turn fills the disk's cache
                found.append(clock() - start)
    torch, floor, ours = (statistics.median(found) for found in times.values())
    return torch, floor, ours


def of_children() -> float:
    """Processor seconds of the processes that this one has waited for."""
    spent = os.times()
    return spent.children_user + spent.children_system


if __name__ == "__main__":
    main()
