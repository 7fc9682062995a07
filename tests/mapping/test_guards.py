"""What comes after mapping is watched: a refresh never is wrong in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from command_line import run
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, GuardError, GuardWarning

NEWEST = "SELECT max(as_of) FROM sqlscore.scored_users"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 users with 30 events each over 60 days, refreshed once."""
    path = tmp_path_factory.mktemp("watched") / "watched.duckdb"
    with sqlscore.connect(path, threads=1) as con:
        con.execute(
            """CREATE TABLE e AS SELECT i % 50 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i * 57) AS event_time,
                   (['view', 'cart', 'buy'])[1 + i % 3] AS event_type, i * 0.5 AS price FROM range(1500) t(i)"""
        )
        sqlscore.map_events(con, "e", features=["price"])
        register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "watched.duckdb"
    copy.write_bytes(template.read_bytes())
    return copy


@pytest.fixture
def watched(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(path, threads=1) as con:
        yield con


def problems(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return [(problem.what, problem.command) for problem in sqlscore.status(con).problems]


def test_events_as_they_were_raise_no_alarm(watched: duckdb.DuckDBPyConnection) -> None:
    watched.execute("INSERT INTO e SELECT user_id, event_time + INTERVAL 60 DAY, event_type, price FROM e")
    assert sqlscore.refresh(watched).warnings == ()
    assert problems(watched) == []


def test_one_event_in_the_future_makes_nobody_a_churner(watched: duckdb.DuckDBPyConnection) -> None:
    """It is left out, said, and listed with the option that mends it; live scores agree."""
    before = watched.execute(NEWEST).fetchall()
    watched.execute("INSERT INTO e VALUES (7, TIMESTAMP '2094-01-01', 'view', 1)")
    with pytest.warns(GuardWarning, match="1 of 1501 rows lie in the future.*--time-cap"):
        report = sqlscore.refresh(watched)
    assert len(report.warnings) == 1
    assert watched.execute(NEWEST).fetchall() == before
    assert watched.execute("SELECT max(as_of) FROM sqlscore.live_scored_users").fetchall() == before
    assert [("--time-cap" in what, "--time-cap" in command) for what, command in problems(watched)] == [(True, True)]


def test_a_future_time_counts_when_it_has_come(watched: duckdb.DuckDBPyConnection) -> None:
    """Also in an append-only table, where no row is read twice."""
    sqlscore.map_events(watched, "e", features=["price"], append_only=True, force=True)
    watched.execute("INSERT INTO e VALUES (7, now()::TIMESTAMPTZ AT TIME ZONE 'UTC' + INTERVAL 2 SECOND, 'view', 1)")
    with pytest.warns(GuardWarning, match="lie in the future"):
        sqlscore.refresh(watched)
    watched.execute("UPDATE sqlscore.guards SET outcome = 'note' WHERE name = 'leap_days'")
    count = "SELECT n_events FROM sqlscore.scored_users WHERE user_id = 7"
    while watched.execute("SELECT count(*) FROM sqlscore.events").fetchall() == [(1500,)]:
        pass
    sqlscore.refresh(watched)
    assert watched.execute(count).fetchall() == [(31,)]


def test_a_cap_in_the_future_asks_for_such_events(watched: duckdb.DuckDBPyConnection) -> None:
    watched.execute("INSERT INTO e VALUES (7, TIMESTAMP '2094-01-01', 'view', 1)")
    report = sqlscore.map_events(watched, "e", features=["price"], time_cap="2100-01-01", force=True)
    assert "as time_cap allows" in " ".join(report.warnings)
    assert str(sqlscore.refresh(watched).as_of) == "2094-01-01 00:00:00"


@pytest.mark.parametrize(
    ("change", "said", "command"),
    [
        ("UPDATE e SET event_type = 'v2_' || event_type", "does not know: train again", "sqlscore train"),
        (
            "INSERT INTO e SELECT user_id, event_time + INTERVAL 60 DAY, 'v2_' || event_type, price FROM e LIMIT 100",
            "100.0% of the new events have an action",
            "sqlscore train",
        ),
        ("UPDATE e SET event_time = NULL WHERE user_id < 10", "20.0% of the rows are left out, 0.0% were", "--accept"),
        ("UPDATE e SET event_time = 'infinity' WHERE user_id < 10", "300 no finite time", "--accept"),
        ("UPDATE e SET user_id = NULL WHERE user_id < 10", "300 have no user", "--accept"),
        ("UPDATE e SET price = NULL WHERE user_id < 20", '40.0% of the rows have no "price", 0.0% had', "--accept"),
        ("DELETE FROM e WHERE user_id < 20", "600 of 1500 events are gone", "--accept"),
        ("UPDATE e SET event_time = TIMESTAMP '1970-01-01' WHERE user_id = 3", "30 of 1500 events are very old", ""),
        ("INSERT INTO e FROM e", "1500 events came since the last refresh, and none of them is newer", "--accept"),
    ],
)
def test_what_differs_is_warned_of_and_listed(
    watched: duckdb.DuckDBPyConnection, change: str, said: str, command: str
) -> None:
    """Until something else comes; a second refresh of the same events does not hide it."""
    watched.execute(change)
    for _ in range(2):
        with pytest.warns(GuardWarning):
            report = sqlscore.refresh(watched)
        assert any(said in warning for warning in report.warnings), report.warnings
        assert any(said in what and command in how for what, how in problems(watched)), problems(watched)


def test_what_is_accepted_is_what_later_events_are_compared_with(watched: duckdb.DuckDBPyConnection) -> None:
    watched.execute("UPDATE e SET price = NULL WHERE user_id < 20")
    with pytest.warns(GuardWarning, match="price"):
        sqlscore.refresh(watched, accept=True)
    assert problems(watched) == []
    assert sqlscore.refresh(watched).warnings == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("INSERT INTO e VALUES (7, TIMESTAMP '2025-06-01', 'view', 1)", "hardly any between"),
        ("UPDATE e SET event_time = event_time + INTERVAL 100 YEAR WHERE user_id > 10", "lie in the future"),
        ("DELETE FROM e", "1500 of 1500 events are gone"),
    ],
)
def test_the_old_scores_stay_until_the_events_are_accepted(
    watched: duckdb.DuckDBPyConnection, change: str, said: str
) -> None:
    scores = "SELECT * FROM sqlscore.scored_users ORDER BY user_id"
    before = watched.execute(scores).fetchall()
    watched.execute(change)
    with pytest.raises(GuardError, match=f"{said}.*accept=True"):
        sqlscore.refresh(watched)
    assert watched.execute(scores).fetchall() == before
    assert any(said in what for what, _ in problems(watched))
    with pytest.warns(GuardWarning) as warned:
        sqlscore.refresh(watched, accept=True)
    assert any(said in str(warning.message) for warning in warned)
    assert watched.execute(scores).fetchall() != before


def test_the_outcome_and_the_threshold_are_the_users_own(watched: duckdb.DuckDBPyConnection) -> None:
    watched.execute("UPDATE e SET price = NULL WHERE user_id < 20")
    watched.execute("UPDATE sqlscore.guards SET outcome = 'refuse' WHERE name = 'missing_share'")
    with pytest.raises(GuardError, match="price"):
        sqlscore.refresh(watched)
    watched.execute("UPDATE sqlscore.guards SET outcome = 'note' WHERE name = 'missing_share'")
    report = sqlscore.refresh(watched)
    assert (report.warnings, len(report.notes)) == ((), 1)
    assert problems(watched) == []
    watched.execute("UPDATE sqlscore.guards SET threshold = 0.5 WHERE name = 'missing_share'")
    assert sqlscore.refresh(watched, full=True).warnings == ()


@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9, 2)", "TIMESTAMP", "BLOB"])
def test_a_type_that_mapping_refuses_is_refused_later_too(watched: duckdb.DuckDBPyConnection, kind: str) -> None:
    """By refresh in the words of map_events, and by the live view."""
    watched.execute(f"CREATE OR REPLACE TABLE e AS SELECT * REPLACE (NULL::{kind} AS event_type) FROM e")
    with pytest.raises(EventsError, match="expected VARCHAR, ENUM or an integer code") as at_mapping:
        sqlscore.map_events(watched, "e", features=["price"])
    with pytest.raises(EventsError) as at_refresh:
        sqlscore.refresh(watched)
    assert str(at_refresh.value) == str(at_mapping.value)
    with pytest.raises(duckdb.Error, match="expected VARCHAR or ENUM"):
        watched.execute("FROM sqlscore.live_scored_users").fetchall()
    assert any("cannot be read" in what for what, _ in problems(watched))


def test_the_command_line_says_it_and_goes_on_when_told(path: Path) -> None:
    with sqlscore.connect(path) as con:
        con.execute("INSERT INTO e VALUES (7, TIMESTAMP '2025-06-01', 'view', 1)")
    refused = run("refresh", str(path))
    assert refused.exit_code != 0
    assert run("status", str(path), "--check").exit_code == 3
    accepted = run("refresh", str(path), "--accept")
    assert accepted.exit_code == 0
    assert "hardly any between" in accepted.output
