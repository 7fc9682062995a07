"""A simulated shop that is scored by a model without training, for what is decided on scores."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path

import duckdb
from scratch import folder_of_process
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.simulation import ACTIONS, simulate_shop

USERS = 2_500


def open_scored_shop(advised: bool = False) -> duckdb.DuckDBPyConnection:
    """A new file with the shop, mapped and scored. advised: whether `advise` has run on it, without limits."""
    path = folder_of_process() / "shop.duckdb"
    shutil.copy(_advised() if advised else _scored(), path)
    return sqlscore.connect(path)


@lru_cache
def _scored() -> Path:
    path = folder_of_process() / "scored.duckdb"
    with sqlscore.connect(path) as con:
        con.register("shop", simulate_shop(USERS, seed=3).events)
        con.execute("CREATE TABLE e AS SELECT user_id, event_time, event_type FROM shop")
        sqlscore.map_events(con, "e")
        actions = con.execute("SELECT DISTINCT event_type FROM e ORDER BY 1").fetchall()
        assert len(actions) == len(ACTIONS)
        # a horizon of 10 days and a lookback of 20, as training chooses them for this shop
        artifact = tiny_artifact(tuple(name for (name,) in actions), lookback=20 * 86_400.0, horizon=10 * 86_400.0)
        register(con, artifact, name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
    return path


@lru_cache
def _advised() -> Path:
    path = folder_of_process() / "advised.duckdb"
    shutil.copy(_scored(), path)
    with sqlscore.connect(path) as con:
        sqlscore.advise(con)
    return path
