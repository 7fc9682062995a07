"""Reading an XES log into a table: megabytes a second against a bare parse of the same file, and memory by its size.

    python benchmarks/xes.py [--mb 100] [--file LOG]

The log is simulated in two sizes, a tenth and the whole of --mb, or is the file that is named. Each is read by a
process of its own, whose peak memory is what the system says. The floor is expat with two empty handlers: no reader in
Python that sees every element can be faster.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.parsers import expat

import sqlscore
from sqlscore.mapping.process_logs.xes_table import make_xes_table
from sqlscore.simulation.claims import simulate_claims
from sqlscore.simulation.xes_file import write_xes

CASES = 400  # of the log that is written over and over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--file", type=Path, help="a log, .xes")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read is not None:
        read(asked.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [asked.file] if asked.file else [written(Path(folder), mb) for mb in (asked.mb // 10, asked.mb)]
        print(f"{'MB':>8}{'events':>12}{'s':>8}{'MB/s':>8}{'floor s':>9}{'ratio':>7}{'peak MB':>9}")
        for file in files:
            subprocess.run([sys.executable, __file__, "--read", file], check=True)


def written(folder: Path, mb: int) -> Path:
    claims, path = simulate_claims(CASES), folder / f"{mb}.xes"
    write_xes(claims, path)
    write_xes(claims, path, copies=max(round(mb * 1e6 / path.stat().st_size), 2))
    return path


def read(path: Path) -> None:
    """Print how fast a file is read, and the peak memory of this process."""
    mb = path.stat().st_size / 1e6
    with tempfile.TemporaryDirectory() as folder, sqlscore.connect(f"{folder}/log.duckdb") as con:
        start = time.perf_counter()
        made = make_xes_table(con, path, "log")
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    floor = bare_parse(path)
    n_events = sum(made.transitions.values())
    print(
        f"{mb:>8.0f}{n_events:>12,}{seconds:>8.1f}{mb / seconds:>8.1f}{floor:>9.1f}{seconds / floor:>7.1f}{peak:>9.0f}"
    )


def bare_parse(path: Path) -> float:
    """Seconds of a parse that does nothing with what it sees."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: None
    parser.EndElementHandler = lambda tag: None
    start = time.perf_counter()
    with path.open("rb") as file:
        parser.ParseFile(file)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
