"""CPU seconds of this checkout against those of another one: bulk scoring, history, refresh, explanations, training.

    git worktree add ../before COMMIT
    python benchmarks/against.py ../before [--measures bulk,history,incremental,explain,training] [--pairs 5]

Each checkout runs in a process of its own, with its own `workload.py`, on the same events, with one thread. The two
take turns, so that a slow minute touches both alike; the clock is the CPU time of the process. Printed is the median of
the pairs' ratios, before / now: above 1, this checkout is faster. `incremental` has 1 % of users changed, append-only.
`explain` is both explanations of up to 1,000 users.
`training` is the whole verb `train` with its defaults, the last stages, the judging and the storing included; it takes
a minute or more on a million events, so it is left out unless it is named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

MEASURES = ("bulk", "history", "incremental", "explain", "training")
USUAL = MEASURES[:4]
EXPLAINED = 1_000  # users


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="another checkout of this repository")
    parser.add_argument("--measures", default=",".join(USUAL))
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)  # this process is one of the two
    chosen = parser.parse_args()
    measures = chosen.measures.split(",")
    if unknown := sorted(set(measures) - set(MEASURES)):
        parser.error(f"--measures {', '.join(unknown)}: choose from {', '.join(MEASURES)}")
    if chosen.answer:
        answer(chosen.before, chosen.architecture, chosen.events, chosen.users, measures)
        return
    if not (chosen.before / "benchmarks" / "workload.py").is_file():
        parser.error(f"{chosen.before} is no checkout of this repository: it has no benchmarks/workload.py")
    workload = ["--architecture", chosen.architecture, "--events", str(chosen.events), "--users", str(chosen.users)]
    workload += ["--measures", chosen.measures]
    sides = [start(root, workload) for root in (chosen.before.resolve(), Path(__file__).resolve().parents[1])]
    size = f"{chosen.events:,} events of {chosen.users:,} users"
    print(f"{chosen.architecture}, {size}, {chosen.pairs} pairs, CPU seconds")
    for measure in measures:
        for side in sides if measure in USUAL else []:
            ask(side, measure)  # warm
        pairs = [(ask(sides[0], measure), ask(sides[1], measure)) for _ in range(chosen.pairs)]
        before, now = (median(seconds) for seconds in zip(*pairs, strict=True))
        ratio = median(one / other for one, other in pairs)
        print(f"{measure:12} before {before:.3f}, now {now:.3f}: before / now {ratio:.2f}", flush=True)
    for side in sides:
        side.communicate()


def start(root: Path, workload: list[str]) -> subprocess.Popen[str]:
    """A process that imports this checkout; -P keeps the folder of this script out of its path."""
    path = os.pathsep.join([str(root), str(root / "benchmarks")])
    command = [sys.executable, "-P", "-W", "ignore", __file__, str(root), *workload, "--answer"]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(side: subprocess.Popen[str], measure: str) -> float:
    """CPU seconds of one run."""
    assert side.stdin is not None
    assert side.stdout is not None
    side.stdin.write(measure + "\n")
    side.stdin.flush()
    line = side.stdout.readline()
    if not line:
        raise SystemExit(f"{measure}: the process of one checkout ended, see above")
    return float(line)


def answer(root: Path, architecture: str, events: int, users: int, measures: list[str]) -> None:
    """Read measures from standard input, write the CPU seconds of each."""
    from incremental import change
    from workload import make_events, make_model

    import sqlscore

    if root not in Path(str(sqlscore.__file__)).resolve().parents:
        raise SystemExit(f"{sqlscore.__file__} was imported, which is not of {root}")
    con = sqlscore.connect()
    make_events(con, events, users)
    con.execute("SET threads = 1")
    if set(measures) == {"training"}:  # an older checkout may know less of the rest
        sqlscore.map_events(con, "events")
    else:
        make_model(con, architecture)
        sqlscore.map_events(con, "events", append_only=True, force=True)
        sqlscore.refresh(con, full=True, threads=1)

    def incremental() -> None:
        report = sqlscore.refresh(con, threads=1)
        if report.kind != "incremental":
            raise SystemExit(f"the refresh was {report.kind}: {report.reason}")

    def explain() -> None:
        con.execute(
            f"""SELECT list_explain_churn_risk(events), list_explain_next_action(events)
                FROM (SELECT list(e) AS events FROM sqlscore.events e GROUP BY user_id
                      ORDER BY hash(user_id) LIMIT {EXPLAINED})"""
        ).fetchall()

    runs: dict[str, Callable[[], object]] = {
        "bulk": lambda: sqlscore.materialize(con, "events", into="bulk", threads=1),
        "history": lambda: sqlscore.score_history(con, into="history", threads=1),
        "incremental": incremental,
        "explain": explain,
        "training": lambda: sqlscore.train(con, architecture=architecture, promote=False, threads=1),
    }
    for line in sys.stdin:
        measure = line.strip()
        if measure == "incremental":
            change(con, 0.01)
        began = time.process_time()
        runs[measure]()
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main()
