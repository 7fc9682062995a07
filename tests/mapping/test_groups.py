"""Groups: which column may be one, what is said of those that ended, and of a column that looks like one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from command_line import run, run_json
from small_shop import gru_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, GuardWarning, MappingError
from sqlscore.events.mapping import Mapping

EVENTS = """
    SELECT user_id, (['north', 'south', 'old'])[1 + user_id % 3] AS site, (['web', 'app'])[1 + i % 2] AS channel,
           CASE WHEN user_id < 120 THEN '2024' ELSE '2025' END AS year,
           TIMESTAMP '2024-01-01' + to_minutes(CAST(85 * i AS BIGINT)) AS event_time,
           (['view', 'cart', 'buy'])[1 + i * 7919 // 13 % 3] AS event_type, CAST(i AS DOUBLE) AS price
    FROM (SELECT CAST(i AS INTEGER) AS i, CAST(i // 50 AS INTEGER) AS user_id FROM range(12000) t(i))
    WHERE NOT ended OR user_id % 3 <> 2 OR user_id < 80"""
"""240 users one after the other over two years, of three sites; `old`, if it ended, did so after eight months."""


def events(*, ended: bool) -> str:
    return EVENTS.replace("ended", str(ended))


@pytest.fixture
def sites(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE clicks AS {events(ended=True)}")
    return con


def test_a_mapping_without_groups_is_stored_as_before() -> None:
    """So that files of an older sqlscore hold the same text, and need no full refresh."""
    mapping = Mapping("events", '"main"."clicks"', "user_id", "event_time", "event_type")
    assert "group" not in mapping.to_json()
    grouped = Mapping("events", '"main"."clicks"', "user_id", "event_time", "event_type", group="site")
    assert Mapping.from_json(grouped.to_json()) == grouped
    assert Mapping.from_json(mapping.to_json()) == mapping


def test_a_site_that_ended_is_said_with_its_last_day_and_rows(sites: duckdb.DuckDBPyConnection) -> None:
    report = sqlscore.map_events(sites, "clicks", group="site")
    (said,) = [text for text in report.warnings if "ended" in text]
    newest = sites.execute("SELECT max(event_time) FROM clicks WHERE site = 'old'").fetchall()[0][0]
    assert f"'old' on {newest:%Y-%m-%d} (1,300 events of 26 users)" in said
    assert "scored as of then" in said
    assert report.groups is not None
    assert (report.groups.n_groups, report.groups.n_small, report.groups.n_users_in_several) == (3, 0, 0)


def test_users_in_several_groups_and_events_in_none_are_counted(sites: duckdb.DuckDBPyConnection) -> None:
    sites.execute("UPDATE clicks SET site = 'south' WHERE user_id = 0 AND price < 25")
    sites.execute("UPDATE clicks SET site = NULL WHERE user_id = 1")
    groups = sqlscore.map_events(sites, "clicks", group="site").groups
    assert groups is not None
    assert (groups.n_groups, groups.n_small, groups.n_without, groups.n_users_in_several) == (4, 1, 50, 1)


def test_small_groups_are_said(sites: duckdb.DuckDBPyConnection) -> None:
    sites.execute("UPDATE clicks SET site = 'tiny' WHERE user_id < 3")
    warnings = " ".join(sqlscore.map_events(sites, "clicks", group="site").warnings)
    assert '1 of 4 groups of "site" have fewer than 20 users' in warnings


def test_a_column_that_looks_like_a_site_that_ended_is_named(sites: duckdb.DuckDBPyConnection) -> None:
    """Only that one: the channel goes on, and a year ends because the next one begins."""
    report = sqlscore.map_events(sites, "clicks")
    assert [one.name for one in report.candidates if one.ended is not None] == ["site"]
    (said,) = [text for text in report.warnings if "--group" in text]
    assert 'group="site"' in said
    assert "'old' on" in said


@pytest.mark.parametrize("flag", ["site = 'old'", "IF(site = 'old', 1, 0)", "IF(site = 'old', 'yes', 'no')"])
def test_a_flag_of_users_is_no_site(con: duckdb.DuckDBPyConnection, flag: str) -> None:
    """A case that was escalated, a patient with a diagnosis: that the last of them was long ago closed nothing."""
    con.execute(f"CREATE TABLE clicks AS SELECT * EXCLUDE site, {flag} AS flag FROM ({events(ended=True)})")
    report = sqlscore.map_events(con, "clicks")
    assert not [one.name for one in report.candidates if one.ended is not None]


def test_sites_that_all_go_on_are_not_named(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE clicks AS {events(ended=False)}")
    report = sqlscore.map_events(con, "clicks")
    assert not [text for text in report.warnings if "--group" in text]
    assert not [text for text in sqlscore.map_events(con, "clicks", group="site").warnings if "ended" in text]


@pytest.mark.parametrize(
    ("column", "error", "match"),
    [
        ("user_id", MappingError, "is user, time or action"),
        ("nowhere", MappingError, 'no column "nowhere"'),
        ("price", EventsError, "has type DOUBLE, expected VARCHAR, ENUM, BOOLEAN or an integer"),
    ],
)
def test_a_column_that_cannot_be_the_group_is_refused(
    sites: duckdb.DuckDBPyConnection, column: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        sqlscore.map_events(sites, "clicks", group=column)


def test_the_column_of_ends_is_taken(sites: duckdb.DuckDBPyConnection) -> None:
    sites.execute("ALTER TABLE clicks RENAME COLUMN channel TO group_high_water")
    with pytest.raises(MappingError, match="rename it in a view"):
        sqlscore.map_events(sites, "clicks", group="site", features=["group_high_water"])


@pytest.mark.parametrize("kind", ["ENUM('north', 'south', 'old')", "BIGINT", "BOOLEAN"])
def test_a_group_may_be_a_name_or_a_number_and_a_feature_too(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    value = "site" if kind.startswith("ENUM") else f"CAST(length(site) > 3 AS {kind})"
    rows = events(ended=True)
    con.execute(f"CREATE TABLE clicks AS SELECT * REPLACE (CAST({value} AS {kind}) AS site) FROM ({rows})")
    sqlscore.map_events(con, "clicks", group="site", features={"site": "categorical"})
    parts = con.execute("SELECT count(*), count(DISTINCT part) FROM sqlscore.group_high_water").fetchall()
    assert parts == [(3, 3)] if kind.startswith("ENUM") else [(2, 2)]
    assert len(con.sql("FROM sqlscore.events").columns) == 5


@pytest.fixture
def fed(sites: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Mapped with three groups, of which one ended, and refreshed."""
    sqlscore.map_events(sites, "clicks", features=["price"], group="site")
    register(sites, gru_artifact(0), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(sites)
    return sites


def of_groups(report: sqlscore.RefreshReport) -> list[str]:
    return [note for note in report.notes if "groups of" in note]


def test_a_feed_that_stops_later_is_noted_and_an_older_end_no_more(fed: duckdb.DuckDBPyConnection) -> None:
    assert of_groups(sqlscore.refresh(fed)) == []
    newest = fed.execute("SELECT max(event_time) FROM clicks").fetchall()[0][0]
    assert newest > datetime(2024, 1, 1)
    later = """INSERT INTO clicks SELECT * REPLACE (event_time + INTERVAL 1 DAY AS event_time)
               FROM (FROM clicks WHERE site = 'north' ORDER BY event_time DESC LIMIT 1)"""
    for _ in range(40):  # the north goes on
        fed.execute(later)
    (note,) = of_groups(sqlscore.refresh(fed))
    assert "'south' on" in note
    assert "'old'" not in note
    assert "has their feed stopped?" in note
    fed.execute("UPDATE sqlscore.guards SET outcome = 'warn' WHERE name = 'group_silent_days'")
    with pytest.warns(GuardWarning, match="has their feed stopped"):
        assert sqlscore.refresh(fed, full=True).guards["group_silent_days"] == "warn"
    fed.execute("UPDATE sqlscore.guards SET threshold = 60 WHERE name = 'group_silent_days'")
    fed.execute(later)
    assert of_groups(sqlscore.refresh(fed)) == []


def test_the_command_line_maps_groups(tmp_path: Path) -> None:
    path = tmp_path / "sites.duckdb"
    with duckdb.connect(path) as con:
        con.execute(f"CREATE TABLE clicks AS {events(ended=True)}")
    result = run("init", path, "--events", "clicks", "--group", "site")
    assert result.exit_code == 0, result.stderr
    assert "3 of site, 0 users in several, 0 events in none" in result.stdout
    again = run_json("init", path, "--events", "clicks", "--group", "site")
    assert again["unchanged"] is True
    assert again["mapping"]["group"] == "site"
    assert again["groups"]["n_groups"] == 3


def test_countries_of_a_real_shop_are_too_small_to_be_groups(con: duckdb.DuckDBPyConnection, data: Path) -> None:
    """31 of 37 have fewer than 20 customers: mapping says so, and without a group no end of theirs is taken for one."""
    table = str(data / "online_retail" / "events.parquet")
    report = sqlscore.map_events(con, table, event_time="ts", group="country")
    assert report.groups is not None
    assert (report.groups.n_groups, report.groups.n_small, report.groups.n_users_in_several) == (37, 31, 8)
    assert any("31 of 37 groups" in text for text in report.warnings)
    ends = con.execute("SELECT count(DISTINCT high_water), min(high_water) FROM sqlscore.group_high_water").fetchall()
    assert ends == [(37, datetime(2010, 12, 8, 14, 43))]
    sqlscore.unmap(con)
    assert all(one.ended is None for one in sqlscore.map_events(con, table, event_time="ts").candidates)


@pytest.mark.parametrize("ended", [True, False])
def test_a_site_that_is_mapped_as_a_feature_is_said_to_have_ended_too(
    con: duckdb.DuckDBPyConnection, ended: bool
) -> None:
    """Whoever maps the column as a feature alone has the same users who look as if they had left."""
    con.execute(f"CREATE TABLE clicks AS {events(ended=ended)}")
    said = [w for w in sqlscore.map_events(con, "clicks", features=["site", "price"]).warnings if '"site"' in w]
    assert len(said) == ended
    assert all('group="site"' in warning for warning in said)
