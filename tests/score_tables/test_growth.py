"""A process that refreshes for weeks: what one refresh leaves behind, the next ones must not add to."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.models.compiled import CALLS

ROUNDS = 24
OPEN_FILES = Path("/proc/self/fd")
LEFT_IN_THE_ENGINE = {
    "functions": "SELECT count(*) FROM duckdb_functions()",
    "tables": "SELECT count(*) FROM duckdb_tables()",
    "views": "SELECT count(*) FROM duckdb_views()",
    "schemas": "SELECT count(*) FROM duckdb_schemas()",
    "settings": "SELECT count(*) FROM duckdb_settings()",
    "connections": "FROM duckdb_connection_count()",
    "in temporary files": "SELECT coalesce(sum(temporary_storage_bytes), 0) FROM duckdb_memory()",
    "rows of scores": "SELECT count(*) FROM sqlscore.scored_users",
    "rows of marks": "SELECT count(*) FROM sqlscore.refreshed",
    "profiles": "SELECT count(*) FROM sqlscore.event_profiles",
}


class Left(NamedTuple):
    """What is there between two refreshes."""

    python_objects: int
    python_blocks: int
    arrow_bytes: int
    threads: int
    open_files: int
    in_the_engine: dict[str, int]


@pytest.mark.parametrize(("append_only", "connections"), [(False, "one for each"), (True, "one")])
@pytest.mark.slow
def test_a_refresh_leaves_nothing_behind(append_only: bool, connections: str) -> None:
    con = open_shop(append_only=append_only)
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    sqlscore.refresh(con, full=True)
    for _ in range(CALLS):  # the model is compiled by then, whatever else this process has scored
        con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall()
    for number in range(6):  # what is imported, compiled or cached once is there by then
        refresh_with_news(con, number, connections)
    before = left(con)
    for number in range(6, 6 + ROUNDS):
        refresh_with_news(con, number, connections)
    after = left(con)
    assert after.in_the_engine == before.in_the_engine
    assert after.arrow_bytes == before.arrow_bytes
    assert after.threads == before.threads
    assert after.open_files == before.open_files
    assert after.python_objects - before.python_objects < ROUNDS  # not one a refresh
    assert after.python_blocks - before.python_blocks < ROUNDS * 50  # libraries keep names, fewer and fewer


def refresh_with_news(con: duckdb.DuckDBPyConnection, number: int, connections: str) -> None:
    """A new event of one of five users: few enough that the refresh is an incremental one."""
    con.execute("INSERT INTO e VALUES (?, TIMESTAMP '2024-01-02' + to_minutes(?), 'view', 1)", [number % 5, number])
    if connections == "one":
        report = sqlscore.refresh(con)
    else:
        with con.cursor() as own:
            report = sqlscore.refresh(own)
    assert report.kind == "incremental"
    assert report.n_users_encoded == 1


def left(con: duckdb.DuckDBPyConnection) -> Left:
    counts = {}
    for what, query in LEFT_IN_THE_ENGINE.items():
        ((counts[what],),) = con.execute(query).fetchall()
    gc.collect()
    return Left(
        len(gc.get_objects()),
        sys.getallocatedblocks(),
        pa.total_allocated_bytes(),
        threading.active_count(),
        sum(1 for _ in OPEN_FILES.iterdir()) if OPEN_FILES.exists() else 0,
        counts,
    )
