"""Rows that a mapping leaves out because it says so: repeated deliveries of an event, actions that are no events."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping

COLUMNS = "user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, id VARCHAR, received TIMESTAMP"


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from("abc")), min_size=1, max_size=12),
    again=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 9)), max_size=12),
)
def test_each_event_is_there_once_however_often_it_was_delivered(
    con: duckdb.DuckDBPyConnection, events: list[tuple[int, int, str]], again: list[tuple[int, int]]
) -> None:
    """Events that look alike stay apart, and a later delivery, here with its own time, changes nothing."""
    con.execute(f"CREATE OR REPLACE TABLE e ({COLUMNS})")
    insert = """INSERT INTO e VALUES ($1, TIMESTAMP '2024-01-01' + to_hours($2), $3, $4,
                TIMESTAMP '2024-01-02' + to_hours($5))"""
    for number, (user, hour, action) in enumerate(events):
        con.execute(insert, [user, hour, action, f"id {number}", 0])
    truth = con.execute("SELECT user_id, event_time, event_type FROM e ORDER BY ALL").fetchall()
    for number, later in again:
        user, hour, action = events[number % len(events)]
        con.execute(insert, [user, hour + later % 3, action, f"id {number % len(events)}", later])
    report = sqlscore.map_events(con, "e", event_id="ID", force=True)
    assert con.execute("SELECT * FROM sqlscore.events ORDER BY ALL").fetchall() == truth
    assert (report.profile.n_rows, report.profile.n_events) == (len(events) + len(again), len(events))
    assert report.profile.n_repeated == len(again)
    assert not [warning for warning in report.warnings if "repeat" in warning or "left out" in warning]


@pytest.mark.parametrize("time", ["NULL", "'infinity'", "'-infinity'", "now()::TIMESTAMP + INTERVAL 9 DAY"])
def test_a_row_that_cannot_be_used_stands_for_no_event(con: duckdb.DuckDBPyConnection, time: str) -> None:
    """The first row of an id is the first usable one: a broken delivery must not take the event away."""
    con.execute(f"CREATE TABLE e ({COLUMNS})")
    con.execute(f"INSERT INTO e VALUES (1, {time}, 'a', 'x', NULL), (1, '2024-01-02', 'b', 'x', NULL)")
    con.execute("INSERT INTO e VALUES (1, '2024-01-01', NULL, 'x', NULL), (2, '2024-01-01', 'c', 'x', NULL)")
    sqlscore.map_events(con, "e", event_id="id")
    assert con.execute("SELECT user_id, event_type FROM sqlscore.events ORDER BY ALL").fetchall() == [
        (1, "b"),
        (2, "c"),
    ]


def test_rows_without_an_id_all_stay_and_are_told_of(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE e ({COLUMNS})")
    con.execute("INSERT INTO e SELECT 1, '2024-01-01', 'a', CASE WHEN i > 2 THEN 'x' END, NULL FROM range(5) t(i)")
    report = sqlscore.map_events(con, "e", event_id="id")
    assert con.execute("SELECT count(*) FROM sqlscore.events").fetchall() == [(4,)]
    (warning,) = [warning for warning in report.warnings if '"id"' in warning]
    assert "3 of 5 rows have no" in warning
    con.execute("UPDATE e SET id = NULL")
    with pytest.raises(MappingError, match=r'no row has an id in "id": name the column .* \(--event-id\)'):
        sqlscore.map_events(con, "e", event_id="id")


def test_a_column_that_tells_no_events_apart_is_told_of(con: duckdb.DuckDBPyConnection) -> None:
    """A session's number as id would leave one event a session; with what numbers its events it is an id."""
    con.execute(
        """CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i) AS event_time,
           ['a', 'b', 'c'][1 + i % 3] AS event_type, i // 3 AS session, i % 3 AS number FROM range(9) t(i)"""
    )
    report = sqlscore.map_events(con, "e", event_id="session")
    (warning,) = [warning for warning in report.warnings if "--event-id C,C" in warning]
    assert warning.startswith('3 values of "session" stand in rows of one user with different actions')
    report = sqlscore.map_events(con, "e", event_id=["session", "number"], force=True)
    assert (report.profile.n_events, report.profile.n_repeated) == (9, 0)
    assert not [warning for warning in report.warnings if "--event-id" in warning]


def test_excluded_actions_are_left_out_wherever_events_are_read(con: duckdb.DuckDBPyConnection) -> None:
    """In the mapped view, by the row functions over the table itself, in lists, and in plain lists of actions."""
    con.execute(
        """CREATE TABLE e AS SELECT i % 2 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time,
           (['view', 'buy', 'ping', 'it''s'])[1 + (i // 2) % 4]::ENUM('view', 'buy', 'ping', 'it''s') AS event_type
           FROM range(24) t(i)"""
    )
    report = sqlscore.map_events(con, "e", exclude_types=["ping", "it's"])
    assert (report.profile.n_rows, report.profile.n_excluded, report.profile.n_events) == (24, 12, 12)
    assert (report.profile.n_actions, report.warnings) == (2, ())
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    scored = con.execute("SELECT user_id, n_events, last_event_time FROM sqlscore.scored_users ORDER BY 1").fetchall()
    assert [row[1] for row in scored] == [6, 6]
    for scores in ("score_events(e)", "list_score_events(list(e))"):
        for table in ("e", "sqlscore.events"):
            rows = f"SELECT user_id, s.n_events, s.last_event_time FROM (SELECT user_id, {scores} AS s FROM {table} e "
            assert con.execute(f"{rows} GROUP BY 1) ORDER BY 1").fetchall() == scored
    same = "SELECT list_predict_next_action(['view', 'ping']) = list_predict_next_action(['view'])"
    assert con.execute(same).fetchall() == [(True,)]


def test_excluding_all_actions_or_one_that_is_not_there_is_told_of(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type")
    with pytest.raises(MappingError, match="no row can be used: of 1 rows, 1 have an action that is left out"):
        sqlscore.map_events(con, "e", exclude_types=["view"])
    (warning,) = sqlscore.map_events(con, "e", exclude_types="View").warnings
    assert "no row has the action 'View'" in warning


def test_the_mapping_of_an_older_file_is_read_and_written_as_it_was() -> None:
    """Its text stands in the mark of the last refresh: another text would score all users again."""
    then = json.dumps(
        {
            "name": "events", "relation": '"main"."e"', "user_id": "u", "event_time": "t", "event_type": "a",
            "features": [{"name": "price", "kind": "numeric"}], "time_unit": None, "time_cap": None, "prefix": "",
            "append_only": False, "subtype": None,
        }
    )  # fmt: skip
    mapping = Mapping.from_json(then)
    assert (mapping.event_id, mapping.order, mapping.exclude_types) == ((), (), ())
    assert mapping.to_json() == then
    said = Mapping("events", "e", "u", "t", "a", event_id=("id",), order=("n", "m"), exclude_types=("ping",))
    assert Mapping.from_json(said.to_json()) == said
