"""The workload of the benchmarks: a generated events table and a model of full size on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import duckdb
import torch

import sqlscore
from sqlscore.database.registry import register
from sqlscore.events.inputs import Inputs
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.stored import to_weights
from sqlscore.scoring.manifest import Manifest, pack
from sqlscore.scoring.module import capabilities_of

ACTIONS = tuple(f"action_{i}" for i in range(12))
T = TypeVar("T")


def make_events(con: duckdb.DuckDBPyConnection, events: int, users: int, session_events: int = 1) -> None:
    """Table `events`: user lengths vary widely, rows in order of time, as an append-only log has them.

    session_events: how many events of one user stand a second apart before the next user's come.
    """
    con.execute("SET threads = 2")
    con.execute(
        """CREATE TABLE events AS
           SELECT CAST(floor(? * pow((hash(i // ?) % 1000000007) / 1000000007.0, 1.5)) AS BIGINT) AS user_id,
                  TIMESTAMP '2024-01-01' + to_microseconds(CAST(i * (90 * 86400000000 / ?) AS BIGINT)) AS event_time,
                  'action_' || CAST(floor(12 * pow((hash(i * 7 + 1) % 10007) / 10007.0, 2)) AS INTEGER) AS event_type
           FROM range(?) t(i)""",
        [users, session_events, events, events],
    )


def random_model(architecture: str = "gru") -> tuple[Any, bytes]:
    """A model with random weights (speed does not depend on them), eager, and as it is stored."""
    torch.manual_seed(0)
    config = ModelConfig(architecture=architecture, embedding=32, hidden=64)
    inputs = Inputs(ACTIONS)
    family = ARCHITECTURES[architecture]
    model: Any = family.build(config, inputs).eval()
    manifest = Manifest(
        architecture=architecture, config=asdict(config), inputs=inputs, heads=("next_action", "time_to_next", "churn"),
        capabilities=capabilities_of(model),
        state_size=model.state_size, embedding_size=model.embedding_size if family.counted else config.width,
        fold=family.fold, max_events=family.max_events,
        horizon_seconds=86_400.0, lookback_seconds=None, trained_from="2024-01-01", trained_to="2024-03-01",
    )  # fmt: skip
    return model, pack(to_weights(model), manifest)


def make_model(con: duckdb.DuckDBPyConnection, architecture: str = "gru") -> Any:
    """Map `events`, register a model with random weights (speed does not depend on them), return it eager."""
    model, stored = random_model(architecture)
    sqlscore.map_events(con, "events")
    register(con, stored, name="events", mapping="events", champion=True, verb="benchmark")
    return model


def in_turns(
    runs: dict[str, Callable[[], object]], repeats: int = 3, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """The fewest seconds of each; they alternate, after a turn that warms, so that a slow minute touches all alike."""
    seconds = dict.fromkeys(runs, float("inf"))
    for turn in range(repeats + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if turn:
                seconds[name] = min(seconds[name], clock() - start)
    return seconds


def timed(run: Callable[[], T], clock: Callable[[], float] = time.perf_counter) -> tuple[float, T]:
    """Seconds and result."""
    start = clock()
    result = run()
    return clock() - start, result
