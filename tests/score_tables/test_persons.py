"""Ids that turn out to be one person's: both start over, the one that vanished goes, and incremental = full."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from scratch import folder_of_process
from small_shop import gru_artifact

import sqlscore
from sqlscore import Identity
from sqlscore.database.registry import register

START = datetime(2024, 1, 1)
OPTIONS: dict[str, dict[str, Any]] = {
    "last": {"device_id": "device"},
    "shared": {"device_id": "device", "device_shared": True},
    "table": {"device_id": "device", "identity": Identity("who", chains=False)},
}
Row = tuple[int, str, str | None, int]  # number, device, user, hour
BEGIN: list[Row] = [(n, f"d{n % 6}", f"u{n % 2}" if n in (10, 23) else None, n // 3) for n in range(36)]


def open_log(folder: str, kind: str) -> duckdb.DuckDBPyConnection:
    return sqlscore.connect(shutil.copy(_scored(kind), folder))


@lru_cache
def _scored(kind: str) -> Path:
    """36 events of 6 devices with two logins, scored by a GRU."""
    path = folder_of_process() / f"{kind}.duckdb"
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE e (n BIGINT, device VARCHAR, user_id VARCHAR, event_time TIMESTAMP, price DOUBLE)")
        con.execute("ALTER TABLE e ADD COLUMN event_type VARCHAR DEFAULT 'view'")
        con.execute("CREATE TABLE who AS SELECT 'd1' AS device, 'u1' AS user_id, CAST(NULL AS TIMESTAMP) AS valid_from")
        con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
        load(con, BEGIN)
        sqlscore.map_events(con, "e", features=["price"], order="n", **OPTIONS[kind])
        register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
    return path


def load(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    values = [(n, device, user, START + timedelta(hours=hour), n % 7) for n, device, user, hour in rows]
    con.executemany("INSERT INTO e (n, device, user_id, event_time, price) VALUES (?, ?, ?, ?, ?)", values)


def truth(kind: str, rows: list[Row], who: list[tuple[str, str, int]]) -> dict[str, int]:
    """Events by person, by brute force."""
    counts: dict[str, int] = {}
    for _, device, user, hour in rows:
        logins = [(at, u) for _, d, u, at in rows if d == device and u is not None]
        if kind == "last":
            found = max(logins, default=(0, None))[1]
        elif kind == "shared":
            moment = max((at for at, _ in logins if at <= hour), default=min(logins, default=(0, ""))[0])
            found = max((u for at, u in logins if at == moment), default=None)
        else:
            found = max(((at, u) for d, u, at in who if d == device and at <= hour), default=(0, None))[1]
        person = user or found or f"device:{device}"
        counts[person] = counts.get(person, 0) + 1
    return counts


def scored(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute("SELECT user_id, n_events FROM sqlscore.scored_users").fetchall())


row = st.tuples(st.integers(0, 7), st.one_of(st.none(), st.integers(0, 3)), st.integers(-2, 14))
loads = st.lists(st.lists(row, min_size=1, max_size=3), min_size=1, max_size=3)


@pytest.mark.parametrize("kind", OPTIONS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(loads)
@pytest.mark.slow
def test_incremental_equals_full_however_persons_merge(
    kind: str, batches: list[list[tuple[int, int | None, int]]]
) -> None:
    """Late logins, logins of another user, and rows of the table move events from one person to another."""
    rows, who = [*BEGIN], [("d1", "u1", -99)]
    with tempfile.TemporaryDirectory() as folder, open_log(folder, kind) as con:
        for batch in batches:
            new = [
                (len(rows) + i, f"d{device}", None if user is None else f"u{user}", hour)
                for i, (device, user, hour) in enumerate(batch)
            ]
            rows += new
            load(con, new)
            for _, device, user, hour in new if kind == "table" else []:
                if user is not None and (device, hour) not in [(d, at) for d, _, at in who]:
                    who.append((device, user, hour))
                    con.execute("INSERT INTO who VALUES (?, ?, ?)", [device, user, START + timedelta(hours=hour)])
            sqlscore.refresh(con)
            assert scored(con) == truth(kind, rows, who)
        assert_equal_to_full(con)


def test_a_login_merges_a_device_into_its_user(tmp_path: Path) -> None:
    """In one refresh the user starts over, the device leaves all score tables, and no guard complains."""
    with open_log(str(tmp_path), "last") as con:
        con.execute("UPDATE sqlscore.guards SET outcome = 'warn' WHERE name <> 'unknown_share'")
        before = scored(con)
        assert before["device:d0"] == 6
        load(con, [(36, "d0", "u0", 12)])
        report = sqlscore.refresh(con)
        assert (report.kind, report.n_users_encoded, report.warnings) == ("incremental", 1, ())
        assert scored(con) == {k: n for k, n in before.items() if k != "device:d0"} | {"u0": before["u0"] + 7}
        for table in ("scored_sessions", "user_states"):
            assert con.execute(f"SELECT count(*) FROM sqlscore.{table} WHERE user_id = 'device:d0'").fetchall() == [
                (0,)
            ]
        assert_equal_to_full(con)
