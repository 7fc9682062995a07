"""A day's file that is missing, empty or cut off is said; weekends, quiet logs and slow begins are not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

EVENTS = """SELECT (day * 31 + i) % 40 AS user_id, TIMESTAMP '2024-01-01' + to_days(day) + to_seconds(i * 431) AS
    event_time, (['view', 'cart', 'buy'])[1 + (i + day) % 3] AS event_type, i * 0.5 AS price
    FROM range({first}, {end}) d(day), range({n}) t(i)"""


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(tmp_path / "shop.duckdb", threads=1) as con:
        yield con


def fill(con: duckdb.DuckDBPyConnection, folder: Path, days: range, n: int = 200) -> None:
    """A file of Parquet for each day, from 2024-01-01, a Monday."""
    folder.mkdir(exist_ok=True)
    for day in days:
        events = con.sql(EVENTS.format(first=day, end=day + 1, n=n))
        events.write_parquet(str(folder / f"{dt.date(2024, 1, 1) + dt.timedelta(day)}.parquet"))


def thin(warnings: tuple[str, ...]) -> list[str]:
    return [warning for warning in warnings if "hardly any events" in warning]


def test_a_file_that_is_missing_empty_or_cut_off_is_said(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """When mapping all of them, the emptiest first."""
    fill(con, tmp_path / "days", range(30))
    (tmp_path / "days" / "2024-01-11.parquet").unlink()
    fill(con, tmp_path / "days", range(15, 16), n=0)
    fill(con, tmp_path / "days", range(20, 21), n=30)
    con.execute(f"CREATE VIEW e AS FROM read_parquet('{tmp_path}/days/*.parquet')")
    (said,) = thin(sqlscore.map_events(con, "e").warnings)
    assert "2024-01-11 (0, usually 200), 2024-01-16 (0, usually 200), 2024-01-21 (30, usually 200)" in said
    assert "a day's file that is missing or was cut off?" in said


def test_a_refresh_says_it_of_new_days_once(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Not of the newest day, which may not be over, and not again when another day has come."""
    fill(con, tmp_path / "days", range(20))
    con.execute(f"CREATE VIEW e AS FROM read_parquet('{tmp_path}/days/*.parquet')")
    assert thin(sqlscore.map_events(con, "e", features=["price"]).warnings) == []
    register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
    assert sqlscore.refresh(con).notes == ()
    fill(con, tmp_path / "days", range(20, 21), n=5)
    assert sqlscore.refresh(con).notes == ()
    fill(con, tmp_path / "days", range(22, 23))
    (said,) = thin(sqlscore.refresh(con).notes)
    assert "2024-01-22 (0, usually 200), 2024-01-21 (5, usually 200)" in said
    assert thin(sqlscore.refresh(con).notes) == [said]  # nothing came, so it still holds
    fill(con, tmp_path / "days", range(23, 24))
    assert thin(sqlscore.refresh(con).notes) == []


@pytest.mark.parametrize(
    "left",
    [
        "isodow(event_time) < 6",  # a shop that is closed at weekends
        "isodow(event_time) <> 7 OR user_id < 8",  # or nearly so
        "event_time >= '2024-01-20' OR user_id = 1",  # a slow begin
        "user_id < 4 AND event_time::DATE <> '2024-02-01'",  # too few events a day to tell
        "event_time < '2024-02-10 01:00:00'",  # the newest day is not over
        "event_time >= '2024-01-01 23:00:00'",  # nor was the first one whole
    ],
)
def test_what_is_usual_is_not_said(con: duckdb.DuckDBPyConnection, left: str) -> None:
    con.execute(f"CREATE TABLE e AS FROM ({EVENTS.format(first=0, end=60, n=200)}) WHERE {left}")
    assert thin(sqlscore.map_events(con, "e").warnings) == []


def test_a_holiday_of_a_real_shop_is_a_day_without_events(con: duckdb.DuckDBPyConnection, data: Path) -> None:
    """It sells on Sundays, not on Saturdays; 2011-04-24 was Easter, and two Mondays were bank holidays."""
    path = data / "online_retail" / "events.parquet"
    con.execute(f"CREATE TABLE e AS SELECT user_id, ts AS event_time, event_type FROM '{path}' WHERE ts < '2011-10-01'")
    (said,) = thin(sqlscore.map_events(con, "e").warnings)
    assert "2011-04-24 (0, usually" in said
    assert "2011-05-30 (0, usually" in said
    assert "2011-08-29 (0, usually" in said
    assert "more" not in said
