"""A wrong date is told from a log that is silent now and then: by its own silences, the clock and the users."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import GuardError

DENSE = "SELECT i % 50 AS u, TIMESTAMP '2024-01-01' + to_minutes(i * 40) AS t FROM range(6000) t(i)"  # to 15 June
MONTHLY = """SELECT (m * 40 + i) % 50 AS u, TIMESTAMP '2022-01-01' + to_days(30 * m) + to_seconds(i) AS t
    FROM range(28) m(m), range(400) t(i)"""  # 400 events in a minute, once in 30 days


def logged(con: duckdb.DuckDBPyConnection, log: str) -> datetime:
    """Map and score a log; returns its newest time."""
    con.execute(f"CREATE TABLE e AS SELECT u AS user_id, t AS event_time, 'view' AS event_type FROM ({log})")
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    newest: datetime | None = sqlscore.refresh(con).as_of
    assert newest is not None
    return newest


def arrive(con: duckdb.DuckDBPyConnection, start: datetime, n_events: int, n_users: int, every: timedelta) -> None:
    con.executemany("INSERT INTO e VALUES (?, ?, 'view')", [[i % n_users, start + i * every] for i in range(n_events)])


@pytest.mark.parametrize(
    ("days", "n_events", "n_users", "spread"),
    [
        (457, 1, 1, 0),  # one row of another year
        (40, 1, 1, 0),
        (40, 8, 2, 60),  # a clock that is wrong on one or two devices
        (200, 8, 8, 60),  # longer than the log covers: not known, whoever it is
    ],
)
def test_a_few_events_behind_a_silence_that_is_not_known_are_refused(
    con: duckdb.DuckDBPyConnection, days: int, n_events: int, n_users: int, spread: int
) -> None:
    newest = logged(con, DENSE)
    arrive(con, newest + timedelta(days=days), n_events, n_users, timedelta(seconds=spread))
    with pytest.raises(GuardError, match=f"{n_events} since .* lie {days} days after all others .*hardly any between"):
        sqlscore.refresh(con)
    assert con.execute("SELECT max(as_of) FROM sqlscore.scored_users").fetchall() == [(newest,)]


@pytest.mark.filterwarnings("ignore:.*very old")
@pytest.mark.parametrize("gone", [False, True])
def test_a_wrong_date_in_the_past_hides_no_wrong_date_in_the_future(con: duckdb.DuckDBPyConnection, gone: bool) -> None:
    """It would be a silence of fifty years that the log knows, and a log that has hardly an event a day."""
    newest = logged(con, f"{DENSE} UNION ALL SELECT 1, TIMESTAMP '1971-01-01'")
    if gone:
        con.execute("DELETE FROM e WHERE event_time < '1980-01-01'")
    arrive(con, newest + timedelta(days=200), 1, 1, timedelta(0))
    with pytest.raises(GuardError, match="1 since .* lie 200 days after all others"):
        sqlscore.refresh(con)


@pytest.mark.parametrize(
    ("log", "days", "n_events", "n_users", "spread"),
    [
        (DENSE, 2, 12, 1, 3),  # few events, but all through the month: no silence
        (DENSE, 40, 5, 5, 0),  # several users after a silence that is short beside the log
        (MONTHLY, 30, 3, 1, 0),  # the log has always been silent for 30 days
        (MONTHLY, 44, 1, 1, 0),
        (DENSE, 40, 200, 1, 0),  # not few
    ],
)
def test_loads_of_a_few_events_pass(
    con: duckdb.DuckDBPyConnection, log: str, days: int, n_events: int, n_users: int, spread: int
) -> None:
    """Month after month; the newest event is the moment of the scores."""
    newest = logged(con, log)
    for _ in range(2):
        arrive(con, newest + timedelta(days=days), n_events, n_users, timedelta(days=spread))
        newest += timedelta(days=days + (n_events - 1) * spread)
        assert sqlscore.refresh(con).as_of == newest


def test_a_silence_that_was_accepted_is_known(con: duckdb.DuckDBPyConnection) -> None:
    """The next load after as long needs no --accept."""
    newest = logged(con, DENSE)
    arrive(con, newest + timedelta(days=40), 1, 1, timedelta())
    with pytest.warns(UserWarning, match="a wrong date"):
        sqlscore.refresh(con, accept=True)
    arrive(con, newest + timedelta(days=85), 1, 1, timedelta())
    assert sqlscore.refresh(con).as_of == newest + timedelta(days=85)


def test_a_month_that_has_passed_by_the_clock_may_bring_a_month(con: duckdb.DuckDBPyConnection) -> None:
    """A refresh once a month sees the newest time leap by a month."""
    newest = logged(con, DENSE)
    arrive(con, newest + timedelta(days=40), 1, 1, timedelta())
    con.execute("UPDATE sqlscore.event_profiles SET taken_at = taken_at - INTERVAL 20 DAY")
    with pytest.raises(GuardError, match="wrong date"):
        sqlscore.refresh(con)
    con.execute("UPDATE sqlscore.event_profiles SET taken_at = taken_at - INTERVAL 20 DAY")
    assert sqlscore.refresh(con).as_of == newest + timedelta(days=40)
