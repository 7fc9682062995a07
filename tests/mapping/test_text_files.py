"""Files and views are read so that different ids stay different, and no session's zone matters."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from command_line import run_json
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sqlscore
from sqlscore.errors import EventsError, MappingError


def written(folder: Path, ids: list[str], actions: list[str] | None = None, ending: str = "csv") -> Path:
    path = folder / f"events.{ending}"
    rows = "".join(
        f"{user},2025-01-01 10:{i % 60:02}:00,{(actions or ['view'])[i % len(actions or ['view'])]}\n"
        for i, user in enumerate(ids)
    )
    path.write_text(f"User_ID,event_time,event_type\n{rows}")
    return path


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["1146540123.1921992521", "1146540123.1921992522"], "VARCHAR"),
        (["12e3", "12000", "77"], "VARCHAR"),
        (["007", "7"], "VARCHAR"),
        (["NO", "no", "false"], "VARCHAR"),
        (["1", "2"], "BIGINT"),
        (["123456789012345678901", "123456789012345678902"], "HUGEINT"),
    ],
)
def test_ids_of_a_file_stay_what_they_are(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, ids: list[str], kind: str
) -> None:
    path = written(tmp_path, ids)
    assert sqlscore.map_events(con, str(path)).profile.n_users == len(ids)
    assert con.execute("SELECT DISTINCT typeof(user_id) FROM sqlscore.events").fetchall() == [(kind,)]


_IDS = st.one_of(
    st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,12})?", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{0,3}e[0-9]", fullmatch=True),
    st.sampled_from(["NO", "no", "yes", "t", "true", "0x1F", "1_000", "-0", "+1", "inf", "nan"]),
)


@given(st.lists(_IDS, min_size=1, max_size=6, unique=True))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_no_two_ids_of_a_file_become_one(in_memory: duckdb.DuckDBPyConnection, ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), ids)
        assert sqlscore.map_events(in_memory, str(path)).profile.n_users == len(ids)


def test_actions_of_a_file_stay_what_they_are(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    sqlscore.map_events(con, str(written(tmp_path, ["1", "2"], ["NO", "YES"])))
    assert con.execute("SELECT DISTINCT event_type FROM sqlscore.events ORDER BY ALL").fetchall() == [("NO",), ("YES",)]


def test_a_copied_file_keeps_its_ids_too(tmp_path: Path) -> None:
    path = written(tmp_path, ["1146540123.1921992521", "1146540123.1921992522"])
    report = run_json("init", tmp_path / "c.duckdb", "--events", path, "--copy")
    assert report["n_users"] == 2


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_floating_user_ids_are_refused(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(f"CREATE TABLE e AS SELECT 1::{kind} AS user_id, DATE '2024-01-01' AS event_time, 'a' AS event_type")
    with pytest.raises(EventsError, match="different ids become one number.*VARCHAR"):
        sqlscore.map_events(con, "e")


def test_calendar_days_as_numbers_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE e AS SELECT i AS user_id, 'a' AS event_type,
           CAST(strftime(DATE '2024-01-01' + CAST(i AS INTEGER), '%Y%m%d') AS INTEGER) AS event_time
           FROM range(300) t(i)"""
    )
    with pytest.raises(MappingError, match="calendar days as numbers.*strptime"):
        sqlscore.map_events(con, "e")
    assert sqlscore.map_events(con, "e", time_unit="s").profile.n_events == 300


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("CASE WHEN i < 600 THEN 1000 ELSE 1 END * (1704067200 + i * 3600)", "look like epoch numbers in s"),
        ("CASE WHEN i < 600 THEN 1 ELSE 1000 END * (1704067200 + i * 3600)", "look like epoch numbers in ms"),
        ("CASE WHEN i = 5 THEN -1 ELSE 1705276800000 + i END", '1 of 1000 times in "event_time" are 0 or less'),
        ("CASE WHEN i = 5 THEN 0 ELSE 1705276800 + i END", "are 0 or less"),
        (
            "CASE WHEN i = 5 THEN TIMESTAMP '1970-01-01' ELSE TIMESTAMP '2024-01-01' END",
            "1 of 1000 events are very old",
        ),
        ("CASE WHEN i = 5 THEN DATE '1999-01-01' ELSE DATE '2024-01-01' END", "1 of 1000 events are very old"),
    ],
)
def test_doubtful_times_are_said(con: duckdb.DuckDBPyConnection, time: str, said: str) -> None:
    con.execute(
        f"CREATE TABLE e AS SELECT i % 47 AS user_id, {time} AS event_time, 'a' AS event_type FROM range(1000) t(i)"
    )
    assert any(said in warning for warning in sqlscore.map_events(con, "e").warnings)


VIEW = "CREATE VIEW v AS SELECT 1 AS user_id, {} AS event_time, {} AS event_type FROM (SELECT ts FROM raw)"


@pytest.mark.parametrize(
    ("time", "action"),
    [
        ("CAST(ts AS TIMESTAMP)", "'a'"),
        ("CAST(CAST(ts AS TIMESTAMP) AS TIMESTAMPTZ)", "CAST(CAST(ts AS DATE) AS VARCHAR)"),
        ("CAST(ts AS DATE)", "'a'"),
        ("ts", "CAST(hour(ts) AS VARCHAR)"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_view_that_depends_on_the_zone_is_refused_in_every_zone(
    con: duckdb.DuckDBPyConnection, time: str, action: str, zone: str
) -> None:
    con.execute(
        "CREATE TABLE raw AS SELECT TIMESTAMPTZ '2024-01-01 12:00:00+00' + to_hours(i) AS ts FROM range(48) t(i)"
    )
    con.execute(f"SET TimeZone = '{zone}'")
    con.execute(VIEW.format(time, action))
    with pytest.raises(MappingError, match="in other time zones.*AT TIME ZONE"):
        sqlscore.map_events(con, "v")


def test_a_view_that_names_its_zone_gives_the_same_times_in_every_zone(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE raw AS SELECT TIMESTAMPTZ '2024-01-01 12:00:00+00' AS ts")
    con.execute(VIEW.format("ts AT TIME ZONE 'UTC'", "'a'"))
    seen = set()
    for zone in ("UTC", "America/New_York", "Pacific/Kiritimati"):
        con.execute(f"SET TimeZone = '{zone}'")
        seen.add(sqlscore.map_events(con, "v").profile.high_water)
        seen.add(con.execute("SELECT max(event_time) FROM sqlscore.events").fetchall()[0][0])
    assert len(seen) == 1
