"""`sqlscore score` on a simulated shop: seconds from the command to a champion, and its quality beside a training's.

    python benchmarks/score.py [--users 20000] [--repeats 3] [--train] [--horizons]

Every run is a process of its own on a fresh copy of the mapped file, as a user starts it; reported are the least
wall-clock and processor seconds, imports and all, and whether torch was imported. 20,000 customers are 684,714 events.
--train trains the default architecture too, and prints both models' figures of the same test events. --horizons makes a
model of counts for 5, 10 and 20 days at once, and prints its figures within each, beside a table for that alone.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sklearn.metrics import roc_auc_score

import sqlscore
from sqlscore.database.catalog import mapped
from sqlscore.progress import Silent
from sqlscore.simulation.shop import simulate_shop
from sqlscore.training.counted.recency import Standing, count_recency
from sqlscore.training.data.churn_labels import came_back, choose_churn, examples_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import read_log
from sqlscore.training.data.split import without_churn

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
    parser.add_argument("--horizons", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ready, path = Path(folder) / "mapped.duckdb", Path(folder) / "shop.duckdb"
        events = simulate_shop(chosen.users).events
        with sqlscore.connect(ready) as con:
            con.execute("CREATE TABLE events AS SELECT * FROM events")
            sqlscore.map_events(con, "events", features=["brand", "price", "channel"])
        print(f"{len(events):,} events of {chosen.users:,} customers")
        runs = [(*measured(SCORE, shutil.copy(ready, path)), *measured(REFRESH, path)) for _ in range(chosen.repeats)]
        for name, at in (("score", 0), ("refresh", 3)):
            wall, spent = (min(run[at + i] for run in runs) for i in (0, 1))
            print(f"{name:8} {wall:.2f} s, {spent:.2f} s of processor time, {runs[0][at + 2]}")
        if chosen.train:
            beside(path)
        if chosen.horizons:
            by_horizon(path)


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


def by_horizon(path: Path) -> None:
    """Churn within each horizon from one model of three, beside tables of their own, on the same examples."""
    with sqlscore.connect(path) as con:
        rows = sqlscore.score(con, name="several", horizons="5 days,10 days,20 days").metrics["churn"]["horizons"]
        events = replace(mapped(con, "events"), features=())
        log = read_log(con, events, 1_000_000, 20_000, Silent())
    periods, _ = choose_churn(log, without_churn(log.times), rows[-1]["horizon_seconds"], None)
    assert periods is not None
    churn = periods.churn
    assert churn is not None
    data = encode_log(log, vocabulary(log, int(log.times.max()), 20_000, 0))
    learned, test = examples_of(log, churn, Group.TRAIN, Group.VALIDATION), examples_of(log, churn, Group.TEST)
    for row in rows:
        gone = [~came_back(log.times, log.offsets, part, row["horizon_seconds"]) for part in (learned, test)]
        own = Standing.at(data, test).risk(count_recency(Standing.at(data, learned), gone[0], data.known + 2))
        print(
            f"{row['horizon_seconds'] / 86_400:3g} days: AUC {row['auc']:.3f} (a table of its own "
            f"{roc_auc_score(gone[1], own):.3f}, recency {row['baselines']['recency']['auc']:.3f}), "
            f"Brier {row['brier']:.3f}, calibration error {row['ece']:.3f}, {row['n']:,} examples"
        )


if __name__ == "__main__":
    main()
