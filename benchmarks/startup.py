"""`connect()` on a prepared file plus the first score against `import torch` alone, each in a process of its own.

    python benchmarks/startup.py [--repeats 7] [--architecture markov]

A model of counts (`--architecture markov`) imports no torch. The runs alternate, so that load on the machine and a cold
disk touch all; reported is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TORCH = "import torch"
WITHOUT_PANDAS = "import sys; sys.modules['pandas'] = None; "
"""pyarrow imports pandas with the first array where pandas is installed; sqlscore does not need it."""

SCORE = """import sys, sqlscore
con = sqlscore.connect(sys.argv[1])
rows = con.execute("SELECT list_predict_next_action(['action_1', 'action_2'])").fetchall()
con.close()
assert rows[0][0].startswith("action_"), rows"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--architecture", default="gru")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = prepare(Path(folder) / "shop.duckdb", chosen.architecture)
        torch, ours, bare = measure(path, chosen.repeats)
    print(f"import torch {torch:.2f} s, connect and first score {ours:.2f} s, without pandas {bare:.2f} s")
    print(f"connect + first score / import torch                   {ours / torch:.2f}")
    print(f"the same where pandas is not installed / import torch  {bare / torch:.2f}")


def prepare(path: Path, architecture: str = "gru") -> Path:
    """A file with events and a model, made in this process."""
    from workload import make_events, make_model

    import sqlscore

    with sqlscore.connect(path) as con:
        make_events(con, 10_000, 1_000)
        make_model(con, architecture)
    return path


def measure(path: Path, repeats: int) -> tuple[float, float, float]:
    """Median seconds of `import torch`, of connecting and scoring, and of that without pandas."""
    times: dict[str, list[float]] = {TORCH: [], SCORE: [], WITHOUT_PANDAS + SCORE: []}
    for turn in range(repeats + 1):
        for code, found in times.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code, str(path)], check=True)
            if turn:  # the first turn fills the disk's cache
                found.append(time.perf_counter() - start)
    torch, ours, bare = (statistics.median(found) for found in times.values())
    return torch, ours, bare


if __name__ == "__main__":
    main()
