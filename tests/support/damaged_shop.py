"""A small file that tests damage in copies."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path

import duckdb
from scratch import folder_of_process
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.registry import register


@lru_cache
def base() -> Path:
    """A file with two models, a refresh, past scores and an event since then."""
    path = folder_of_process() / "base.duckdb"
    with open_shop(path) as con:
        register(con, ARTIFACTS[2], name="m", mapping="events", champion=False, verb="train")
        sqlscore.promote(con, "m@2", force=True)
        sqlscore.watch(con)
        sqlscore.refresh(con, keep_history=True)
        con.execute("INSERT INTO e VALUES (0, TIMESTAMP '2024-01-03', 'view', 2.0)")
        con.execute("INSERT INTO sqlscore.leaderboard (rank, contender) VALUES (1, 'x')")
    return path


def edited(path: Path, statement: str) -> bool:
    """Whether the engine makes the change at all in a copy of `base`."""
    shutil.copy(base(), path)
    with duckdb.connect(path) as plain:
        try:
            plain.execute(statement)
        except duckdb.Error:
            return False
    return True
