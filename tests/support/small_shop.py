"""A small table of events with a model, in files that tests may change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from scratch import folder_of_process, folder_of_test
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.events.inputs import Inputs
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.stored import to_weights
from sqlscore.scoring.manifest import Manifest, pack
from sqlscore.scoring.module import capabilities_of


def gru_artifact(seed: int = 0) -> bytes:
    """A small GRU with random weights: numbers that depend on every event and its time."""
    torch.manual_seed(seed)
    config = ModelConfig(embedding=8, hidden=8, width=8)
    inputs = Inputs(("view", "cart", "buy"), {}, ("price",))
    model: Any = ARCHITECTURES["gru"].build(config, inputs).eval()
    manifest = Manifest(
        "gru", asdict(config), inputs, ("next_action", "time_to_next", "churn"), capabilities_of(model),
        model.state_size, 8, True, None, 86_400.0, 86_400.0, "2024-01-01", "2024-01-02",
    )  # fmt: skip
    return pack(to_weights(model), manifest)


ARTIFACTS = (tiny_artifact(numeric=("price",)), gru_artifact(0), gru_artifact(1))

_OPEN: list[duckdb.DuckDBPyConnection] = []


@pytest.fixture(autouse=True)
def _close_shops(_remove_folders: None) -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def open_shop(path: Path | None = None, *, append_only: bool = False, artifact: int = 1) -> duckdb.DuckDBPyConnection:
    """A new database (at `path`): table `e`, 40 events of 5 users, mapped, with ARTIFACTS[artifact] as champion m."""
    path = path or folder_of_test() / "shop.duckdb"
    shutil.copy(_template(append_only, artifact), path)
    con = sqlscore.connect(path)
    _OPEN.append(con)
    return con


@lru_cache
def _template(append_only: bool, artifact: int) -> Path:
    """The file that `open_shop` copies, which takes a twentieth of the time of making it."""
    path = folder_of_process() / "template.duckdb"
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE e (user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, price DOUBLE)")
        con.execute(
            "INSERT INTO e SELECT i % 5, TIMESTAMP '2024-01-01' + to_minutes(17 * i), "
            "(['view', 'cart', 'buy', 'new'])[1 + i % 4], i FROM range(40) t(i)"
        )
        sqlscore.map_events(con, "e", features=["price"], append_only=append_only)
        # a quarter of the events have an action that no model here knows, on purpose
        con.execute("UPDATE sqlscore.guards SET threshold = 0.5 WHERE name = 'unknown_share'")
        register(con, ARTIFACTS[artifact], name="m", mapping="events", champion=True, verb="train")
    return path
