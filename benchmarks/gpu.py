"""A CUDA device against the CPU of the same machine: the same scores, how fast in bulk and in training.

    python benchmarks/gpu.py [--events 1000000 10000000 50000000] [--architecture gru] [--repeats 3]

Where torch finds no CUDA device it says so and stops; `--device cpu` then compares the CPU with itself, which tests
this script and nothing else. For each size, ten events a user:

- equality: scores within 1e-4; another next action only where the two likeliest are within 1e-4 of each other (a tie);
- bulk on the device against bulk on the CPU, and against its floor on the device: copying the same batches there, the
  bare forward pass with the heads, and copying the scores back. The floor's batches come one by one from one thread;
- a training of one epoch on the device against one on the CPU, by default on a sample of users of a million events.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import torch
from workload import make_events, make_model, timed

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import scan
from sqlscore.scoring.inference import inference
from sqlscore.scoring.torch_heads import all_heads

NEAR = 1e-4
DIFFERENCES = f"""SELECT count(*),
    count(*) FILTER (c.next_action IS DISTINCT FROM d.next_action),
    count(*) FILTER (c.next_action IS DISTINCT FROM d.next_action
        AND c.next_actions[1].probability - c.next_actions[2].probability >= {NEAR}),
    count(*) FILTER (NOT coalesce(abs(c.churn_risk - d.churn_risk) <= {NEAR}
        AND abs(c.next_action_probability - d.next_action_probability) <= {NEAR}
        AND abs(c.seconds_to_next_action - d.seconds_to_next_action) <= {NEAR} * (1 + c.seconds_to_next_action), false))
    FROM by_cpu c FULL JOIN by_device d USING (user_id)"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000, 50_000_000])
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    chosen = parser.parse_args(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("skipped: torch finds no CUDA device on this machine")
        return
    name = torch.cuda.get_device_name() if chosen.device == "cuda" else "the CPU itself"
    print(f"{chosen.architecture} on {name}, torch {torch.__version__}")
    for events in chosen.events:
        with tempfile.TemporaryDirectory() as folder:
            for line in compared(Path(folder), events, chosen.device, chosen.architecture, chosen.repeats):
                print(f"{events:>11,} events  {line}", flush=True)


def compared(folder: Path, events: int, device: str, architecture: str, repeats: int) -> list[str]:
    """All figures of one size, a line each. Raises SystemExit if the scores differ."""
    file = folder / "events.duckdb"
    with sqlscore.connect(file, device="cpu") as con:
        make_events(con, events, max(1, events // 10), session_events=10)
        make_model(con, architecture)
        on_cpu = bulk(con, "by_cpu", repeats)
        training_on_cpu = training(con, "cpu", architecture)
    with sqlscore.connect(file, device=device) as con:
        on_device = bulk(con, "by_device", repeats)
        scanning, forward = floor(con, device)
        training_on_device = training(con, device, architecture)
        users, ties_or_worse, other_actions, apart = con.execute(DIFFERENCES).fetchall()[0]
    if other_actions or apart:
        raise SystemExit(f"{other_actions} actions differ beside ties, {apart} of {users} users' scores differ")
    return [
        f"{users:,} users within {NEAR}, {ties_or_worse} with another action of a tie",
        f"bulk: CPU {on_cpu:.2f} s, device {on_device:.2f} s: {on_cpu / on_device:.2f} times faster",
        f"bulk / (copies + forward) on the device  {on_device / forward:.2f}  (the scan alone {scanning:.2f} s)",
        f"training: CPU {training_on_cpu:.1f} s, device {training_on_device:.1f} s: "
        f"{training_on_cpu / training_on_device:.2f} times faster",
    ]


def bulk(con: duckdb.DuckDBPyConnection, into: str, repeats: int) -> float:
    """The fewest seconds of `materialize`, warm."""
    sqlscore.materialize(con, "events", into=into)
    return min(timed(lambda: sqlscore.materialize(con, "events", into=into))[0] for _ in range(repeats))


def floor(con: duckdb.DuckDBPyConnection, device: str) -> tuple[float, float]:
    """Seconds of scanning, and of copies, forward pass and heads of the same batches, one after the other."""
    artifact, mapping = catalog(con).artifact(None, "events"), catalog(con).mapping("events")
    start, forward = time.perf_counter(), 0.0
    for users in scan(con, canonical(mapping, usable_events(con, mapping))):
        batch = artifact.batch(users.sequences)
        began = _synchronised(device)
        with inference():
            hidden, clock = artifact.module.encode(batch.to(artifact.device), None, None)
        all_heads(artifact, hidden, clock.cpu(), clock[:, 1].cpu())  # its results are on the CPU
        forward += _synchronised(device) - began
    return time.perf_counter() - start - forward, forward


def training(con: duckdb.DuckDBPyConnection, device: str, architecture: str) -> float:
    """Seconds of a training of one epoch, reading and judging included."""
    options: dict[str, Any] = {"architecture": architecture, "device": device, "max_epochs": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what few or random events cannot teach
        return timed(lambda: sqlscore.train(con, name=f"on_{device}", promote=False, **options))[0]


def _synchronised(device: str) -> float:
    """The time, when the device has done what it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
