"""Of a table to which rows are only added, the rows that came tell as much as all rows do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.catalog import mapped
from sqlscore.database.registry import register
from sqlscore.mapping.watch import Watched, watch
from sqlscore.mapping.watch_new import watch_new

BY_THE_HOUR = """INSERT INTO e SELECT day * 7 + i, TIMESTAMP '2024-01-01' + to_days(day) + to_seconds(i * 431),
    'view', i * 0.5 FROM range({first}, {end}) d(day), range({n}) t(i)"""

ADDED = {
    "nothing": [],
    "events": [BY_THE_HOUR.format(first=20, end=22, n=200)],
    "no user, no time, no action, no price": [
        """INSERT INTO e VALUES (NULL, '2024-01-21', 'view', 1), (1, NULL, 'view', 1), (1, '2024-01-21', NULL, NULL),
            (1, 'infinity', 'view', 1), (1, '-infinity', 'view', 1)"""
    ],
    "an event of before": ["INSERT INTO e VALUES (1, '2023-12-01', 'view', 1)"],
    "an event of the future": ["INSERT INTO e VALUES (1, '2124-01-01', 'view', 1)"],
    "a thin day, and an empty one": [
        BY_THE_HOUR.format(first=20, end=21, n=5),
        BY_THE_HOUR.format(first=22, end=40, n=200),
    ],
    "the rest of a thin day": [BY_THE_HOUR.format(first=19, end=20, n=5), BY_THE_HOUR.format(first=20, end=30, n=200)],
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(threads=1) as con:
        con.execute("CREATE TABLE e (user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, price DOUBLE)")
        yield con


def without_clock(seen: Watched | None, since: Watched) -> Watched:
    """Without the moment of the look, and without days that an earlier look has judged."""
    assert seen is not None
    assert since.newest_time is not None
    days = tuple(day for day in seen.thin_days if day.day >= since.newest_time.date())
    return replace(seen, taken_at=since.taken_at, thin_days=days)


@pytest.mark.parametrize("days", [3, 20])
@pytest.mark.parametrize("added", ADDED.values(), ids=ADDED.keys())
@pytest.mark.parametrize("left_out", [False, True])
def test_new_rows_tell_as_much_as_all(
    con: duckdb.DuckDBPyConnection, added: list[str], days: int, left_out: bool
) -> None:
    con.execute(BY_THE_HOUR.format(first=20 - days, end=20, n=200))
    if left_out:
        con.execute("INSERT INTO e VALUES (NULL, '2024-01-20', 'view', NULL)")
    sqlscore.map_events(con, "e", features=["price"], append_only=True)
    source = mapped(con, "events")
    last = watch(con, source)
    last_row = con.execute("SELECT max(rowid) FROM e").fetchall()[0][0]
    for statement in added:
        con.execute(statement)
    now = without_clock(watch(con, source), last)
    assert without_clock(watch_new(con, source, last, last_row), last) == now


def test_all_rows_are_read_where_the_new_ones_do_not_tell(con: duckdb.DuckDBPyConnection) -> None:
    """Times that may have come since, and times so far apart that the quantiles of all say which are wrong."""
    con.execute(BY_THE_HOUR.format(first=0, end=20, n=200))
    sqlscore.map_events(con, "e", features=["price"], append_only=True)
    source = mapped(con, "events")
    last = watch(con, source)
    assert watch_new(con, source, replace(last, n_future=1), 3999) is None
    assert watch_new(con, source, replace(last, first_time=None, newest_time=None, n_events=0), 3999) is None
    con.execute("INSERT INTO e VALUES (1, '1970-01-01', 'view', 1)")
    assert watch_new(con, source, last, 3999) is None


def test_a_refresh_of_appended_rows_notes_what_all_rows_say(con: duckdb.DuckDBPyConnection) -> None:
    """And a full refresh, to which a broken promise leads, reads them all."""
    con.execute(BY_THE_HOUR.format(first=0, end=20, n=200))
    sqlscore.map_events(con, "e", features=["price"], append_only=True)
    register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    source = mapped(con, "events")
    noted = "SELECT n_rows, n_events, first_time, newest_time, n_no_user FROM sqlscore.event_profiles WHERE verb = $1"

    def agree() -> bool:
        seen = watch(con, source)
        said = (seen.n_rows, seen.n_events, seen.first_time, seen.newest_time, seen.n_no_user)
        return con.execute(noted, ["refresh"]).fetchall() == [said]

    con.execute("INSERT INTO e VALUES (1, '2024-01-21', 'view', 1), (NULL, '2024-01-22', 'view', 1)")
    assert (sqlscore.refresh(con).kind, agree()) == ("incremental", True)
    con.execute("DELETE FROM e WHERE user_id = 2")
    con.execute("INSERT INTO e VALUES (3, '2024-01-22', 'view', 1)")
    assert (sqlscore.refresh(con).kind, agree()) == ("full", True)
