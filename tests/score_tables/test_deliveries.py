"""Incremental = full with events that are delivered again, come late, and share their times."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from scratch import folder_of_process
from small_shop import gru_artifact

import sqlscore
from sqlscore.database.registry import register


def open_log(folder: str, append_only: bool) -> duckdb.DuckDBPyConnection:
    """40 events of 5 users at 4 hours, each with an id and a place in its hour, scored by a GRU."""
    return sqlscore.connect(shutil.copy(_scored(append_only), folder))


@lru_cache
def _scored(append_only: bool) -> Path:
    path = folder_of_process() / "log.duckdb"
    with sqlscore.connect(path) as con:
        _fill(con, append_only)
        sqlscore.refresh(con)
    return path


def _fill(con: duckdb.DuckDBPyConnection, append_only: bool) -> None:
    con.execute(
        """CREATE TABLE e (user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, price DOUBLE, id BIGINT, n BIGINT);
           INSERT INTO e SELECT i % 5, TIMESTAMP '2024-01-01' + to_hours(i // 10),
               (['view', 'cart', 'buy', 'new', 'ping'])[1 + (i // 3) % 5], i, i, 10 * i FROM range(40) t(i)"""
    )
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    sqlscore.map_events(
        con, "e", features=["price"], append_only=append_only, event_id="id", order="n", exclude_types="ping"
    )
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")


@pytest.mark.parametrize("append_only", [False, True])
def test_a_delivery_changes_nothing_and_a_late_row_earlier_in_the_order_does(append_only: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, open_log(folder, append_only) as con:
        before = con.execute("SELECT * EXCLUDE (scored_at) FROM sqlscore.scored_users ORDER BY user_id").fetchall()
        con.execute("INSERT INTO e SELECT * REPLACE (event_time + INTERVAL 5 DAY AS event_time) FROM e WHERE id = 12")
        con.execute("INSERT INTO e SELECT * FROM e WHERE id IN (3, 38)")
        again = sqlscore.refresh(con)
        assert (again.kind, again.n_users_encoded) == ("incremental", 0)
        now = con.execute("SELECT * EXCLUDE (scored_at) FROM sqlscore.scored_users ORDER BY user_id").fetchall()
        assert now == before
        con.execute("INSERT INTO e SELECT 2, max(event_time), 'buy', 1, 999, -1 FROM e WHERE user_id = 2 AND id <> 12")
        late = sqlscore.refresh(con)
        assert (late.kind, late.n_users_encoded) == ("incremental", 1)
        assert_equal_to_full(con)


row = st.tuples(
    st.integers(0, 6),  # user
    st.integers(-2, 6),  # hour
    st.sampled_from(["view", "buy", "ping"]),
    st.integers(30, 46),  # id: of an event that there is, or a new one
    st.one_of(st.none(), st.integers(-5, 405)),  # place
)


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(st.booleans(), st.lists(st.lists(row, min_size=1, max_size=3), min_size=1, max_size=3))
def test_incremental_equals_full_whatever_is_delivered(
    append_only: bool, loads: list[list[tuple[int, int, str, int, int | None]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_log(folder, append_only) as con:
        for rows in loads:
            con.executemany("INSERT INTO e VALUES (?, TIMESTAMP '2024-01-01' + to_hours(?), ?, 1, ?, ?)", rows)
            sqlscore.refresh(con)
        assert_equal_to_full(con)
