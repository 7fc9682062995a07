"""`sqlscore score` on a simulated shop: seconds from the command to a champion, and its quality beside a training's.

    python benchmarks/score.py [--users 20000] [--repeats 3] [--train]

Every run is a process of its own on a fresh copy of the mapped file, as a user starts it; reported are the least
wall-clock and processor seconds, imports and all, and whether torch was imported. 20,000 customers are 684,714 events.
--train trains the default architecture too, and prints both models' figures of the same test events.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlscore
from sqlscore.simulation.shop import simulate_shop

SCORE = """import sys
from sqlscore.cli import main
sys.argv = ["sqlscore", "score", sys.argv[1]]
try:
    main()
finally:
    print("torch imported" if "torch" in sys.modules else "no torch", file=sys.stderr)"""
REFRESH = SCORE.replace('"score"', '"refresh"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--train", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mapped, path = Path(folder) / "mapped.duckdb", Path(folder) / "shop.duckdb"
        events = simulate_shop(chosen.users).events
        with sqlscore.connect(mapped) as con:
            con.execute("CREATE TABLE events AS SELECT * FROM events")
            sqlscore.map_events(con, "events", features=["brand", "price", "channel"])
        print(f"{len(events):,} events of {chosen.users:,} customers")
        runs = [(*measured(SCORE, shutil.copy(mapped, path)), *measured(REFRESH, path)) for _ in range(chosen.repeats)]
        for name, at in (("score", 0), ("refresh", 3)):
            wall, spent = (min(run[at + i] for run in runs) for i in (0, 1))
            print(f"{name:8} {wall:.2f} s, {spent:.2f} s of processor time, {runs[0][at + 2]}")
        if chosen.train:
            beside(path)


def measured(code: str, path: Path | str) -> tuple[float, float, str]:
    """Wall-clock seconds, processor seconds, and the last line of stderr of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent, done.stderr.strip().splitlines()[-1]


def beside(path: Path) -> None:
    """The figures of the counts and of a training, on the same test events."""
    with sqlscore.connect(path) as con:
        began = time.process_time()
        trained = sqlscore.train(con)
        spent = time.process_time() - began
        for info in (next(model for model in sqlscore.list_models(con) if model.is_untrained), trained):
            action, times, churn = (info.metrics[head] for head in ("next_action", "time_to_next", "churn"))
            print(
                f"{info.kind:20} accuracy {action['accuracy']:.3f}, log-loss {action['log_loss']:.3f}; "
                f"time: log10 error {times['mean_log10_error']:.3f}; "
                f"churn: AUC {churn['auc']:.3f}, Brier {churn['brier']:.3f}, ECE {churn['ece']:.3f}"
            )
        print(f"training: {spent:.0f} s of processor time")


if __name__ == "__main__":
    main()
