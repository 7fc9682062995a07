"""Training on a large table: seconds, events a second and peak memory, each in a process of its own.

    python benchmarks/training_scale.py [--events 15000000] [--users 200000] [--memory-limit 1GB]

Two trainings of the same table: with the defaults, which read a sample of users of a million events, and with every
event of every user, one epoch of them. DuckDB's memory_limit is set; peak memory is of the whole process, beside that
of one that trains on 10,000 events. Seconds are those of the whole verb `train`, and events a second the events that
it took from the table by these: reading, all epochs and last stages, judging and storing count.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from workload import make_events, timed

import sqlscore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=15_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--memory-limit", default="1GB", help="of DuckDB")
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--part", nargs=2, metavar=("FILE", "OPTIONS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(trained(Path(chosen.part[0]), chosen.memory_limit, json.loads(chosen.part[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.duckdb"
        with sqlscore.connect(file, memory_limit=chosen.memory_limit) as con:
            make_events(con, chosen.events, chosen.users, session_events=10)
            sqlscore.map_events(con, "events")
        print(f"{chosen.events:,} events of {chosen.users:,} users, memory limit {chosen.memory_limit}")
        every = {"max_events": chosen.events, "event_updates": chosen.events, "max_epochs": 1}
        for name, options in (
            ("10,000 events", {"max_events": 10_000}),
            ("a sample (default)", {}),
            ("every event, one epoch", every),
        ):
            options = {"architecture": chosen.architecture, **options}
            command = [sys.executable, __file__, "--part", str(file), json.dumps(options)]
            command += ["--memory-limit", chosen.memory_limit]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            print(
                f"{name:24} {found['seconds']:7.0f} s  {found['events_per_second']:9,.0f} events/s  "
                f"peak {found['peak_mb']:6.0f} MB  ({found['read']:,} events read)",
                flush=True,
            )


def trained(file: Path, memory_limit: str, options: dict[str, Any]) -> dict[str, float]:
    """Seconds and peak resident MB of a training in this process."""
    warnings.simplefilter("ignore")
    with sqlscore.connect(file, memory_limit=memory_limit, threads=2) as con:
        seconds, info = timed(lambda: sqlscore.train(con, promote=False, **options))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "events_per_second": info.notes["sample"]["events"] / seconds,
        "read": info.notes["sample"]["events"],
        "peak_mb": peak / (1024 if sys.platform != "darwin" else 2**20),
    }


if __name__ == "__main__":
    main()
