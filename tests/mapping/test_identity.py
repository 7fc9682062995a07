"""Whose an event is: by logins, by a table, by span of time, along chains; planted truth is found again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sqlscore
from sqlscore import Identity
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import Mapping

START = datetime(2024, 1, 1)
SLOW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
Event = tuple[str | None, str | None, int]  # device, user, hour
ids = st.sampled_from(["7", "8", "device:7", "user:8", "anna"])
logs = st.lists(st.tuples(st.one_of(st.none(), ids), st.one_of(st.none(), ids), st.integers(0, 9)), min_size=1)


def fill(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    con.execute("CREATE OR REPLACE TABLE e (n BIGINT, device VARCHAR, user_id VARCHAR, event_time TIMESTAMP)")
    con.execute("ALTER TABLE e ADD COLUMN event_type VARCHAR DEFAULT 'view'")
    rows = [(n, device, user, START + timedelta(hours=hour)) for n, (device, user, hour) in enumerate(events)]
    con.executemany("INSERT INTO e (n, device, user_id, event_time) VALUES (?, ?, ?, ?)", rows)


def persons(con: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return dict(con.execute("SELECT n, user_id FROM sqlscore.events ORDER BY n").fetchall())


def named(user: str | None, device: str | None) -> str | None:
    """The documented name of a person: no device is taken for a user."""
    if user is not None:
        return f"user:{user}" if user.startswith(("device:", "user:")) else user
    return None if device is None else f"device:{device}"


def last_user(events: list[Event], device: str | None) -> str | None:
    logins = [(hour, user) for d, user, hour in events if d == device and d is not None and user is not None]
    return max(logins)[1] if logins else None


def user_then(events: list[Event], device: str | None, hour: int) -> str | None:
    """Who logged in last up to the hour; before the first login, who did it first."""
    logins: dict[int, str] = {}
    for d, user, at in events:
        if d == device and d is not None and user is not None:
            logins[at] = max(user, logins.get(at, user))
    before = [at for at in logins if at <= hour]
    return logins[max(before) if before else min(logins)] if logins else None


@SLOW
@given(logs, st.booleans())
def test_a_device_before_and_after_a_login_is_one_person(
    con: duckdb.DuckDBPyConnection, events: list[Event], shared: bool
) -> None:
    fill(con, [*events, ("a device", None, 0)])
    sqlscore.map_events(con, "e", device_id="Device", device_shared=shared, order="n", force=True)
    truth = {len(events): "device:a device"}
    for n, (device, user, hour) in enumerate(events):
        found = user_then(events, device, hour) if shared else last_user(events, device)
        truth[n] = named(user or found, device) or ""
    assert persons(con) == {n: person for n, person in truth.items() if person}


spans = st.dictionaries(ids, st.lists(st.tuples(st.integers(0, 9), ids), unique_by=lambda span: span[0], max_size=4))


@SLOW
@given(logs, spans, st.integers(1, 3))
def test_a_table_with_spans_says_whose_the_device_was(
    con: duckdb.DuckDBPyConnection, events: list[Event], had: dict[str, list[tuple[int, str]]], length: int
) -> None:
    """Spans are half-open; in the gaps between them a device is a user of its own."""
    fill(con, [*events, ("a device", None, 0)])
    con.execute(
        "CREATE OR REPLACE TABLE who (device VARCHAR, user_id VARCHAR, valid_from TIMESTAMP, valid_to TIMESTAMP)"
    )
    rows = []
    for device, starts in had.items():
        starts = sorted(starts)
        for (start, user), (end, _) in zip(starts, [*starts[1:], (99, "")], strict=False):
            rows.append((device, user, start, min(end, start + length)))
    for device, user, start, end in rows:
        con.execute(
            "INSERT INTO who VALUES (?, ?, ?, ?)", [device, user, *(START + timedelta(hours=h) for h in (start, end))]
        )
    sqlscore.map_events(con, "e", device_id="device", identity=Identity("who", chains=False), order="n", force=True)
    truth = {len(events): "device:a device"}
    for n, (used, logged_in, hour) in enumerate(events):
        found = next((u for d, u, start, end in rows if d == used and start <= hour < end), None)
        truth[n] = named(logged_in or found, used) or ""
    assert persons(con) == {n: person for n, person in truth.items() if person}


merges = st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=8)


@SLOW
@given(merges)
def test_chains_of_merged_ids_are_followed_to_the_end_and_circles_are_an_error(
    con: duckdb.DuckDBPyConnection, merged: dict[int, int]
) -> None:
    fill(con, [(None, str(n), n) for n in range(10)])
    con.execute("CREATE OR REPLACE TABLE who (alias BIGINT, user_id BIGINT)")
    con.executemany("INSERT INTO who VALUES (?, ?)", [*merged.items()] or [(0, 0)])

    def end(number: int, steps: int = 0) -> int | None:
        following = merged.get(number, number)
        return number if following == number else None if steps > 20 else end(following, steps + 1)

    ends = {n: end(n) for n in range(10)}
    if None in ends.values():
        with pytest.raises(EventsError, match="in a circle"):
            sqlscore.map_events(con, "e", identity="who", order="n", force=True)
    else:
        sqlscore.map_events(con, "e", identity="who", order="n", force=True)
        assert persons(con) == {n: str(person) for n, person in ends.items()}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("('d', 'a', NULL, NULL), ('d', 'b', NULL, NULL)", '"device" d has spans that overlap'),
        ("('d', 'a', '2024-01-01', '2024-01-03'), ('d', 'b', '2024-01-02', NULL)", "a's and b's, from 2024-01-01"),
        ("('d', 'a', '2024-01-03', '2024-01-01')", "wrong way round"),
        ("('d', NULL, NULL, NULL)", '1 of 1 rows of the identity table "main"."who" have no "user_id"'),
        ("(NULL, 'a', NULL, NULL)", 'have no "device": leave them out'),
    ],
)
def test_a_table_that_says_two_things_is_refused_wherever_it_is_read(
    con: duckdb.DuckDBPyConnection, rows: str, said: str
) -> None:
    fill(con, [("d", None, 1), ("x", "a", 2)])
    con.execute("CREATE TABLE who (device VARCHAR, user_id VARCHAR, valid_from TIMESTAMP, valid_to TIMESTAMP)")
    con.execute("INSERT INTO who VALUES ('y', 'z', NULL, NULL)")
    sqlscore.map_events(con, "e", device_id="device", identity="who")
    con.execute(f"DELETE FROM who; INSERT INTO who VALUES {rows}")
    with pytest.raises(EventsError, match=said):
        sqlscore.map_events(con, "e", device_id="device", identity="who")
    assert any(re.search(said, problem.what) for problem in sqlscore.status(con).problems)
    if "overlap" in said:
        with pytest.raises(duckdb.InvalidInputException, match="device d has spans that overlap"):
            con.execute("SELECT count(DISTINCT user_id) FROM sqlscore.events").fetchall()


def test_two_users_of_a_device_are_refused_and_rows_that_agree_are_not(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, [("d", None, 1)])
    con.execute("CREATE TABLE who AS SELECT 'd' AS device, 'a' AS user_id FROM range(2)")
    sqlscore.map_events(con, "e", device_id="device", identity="who", order="n")
    assert persons(con) == {0: "a"}
    con.execute("INSERT INTO who VALUES ('d', 'b')")
    with pytest.raises(EventsError, match='"device" d belongs to a and to b .* leave one row a device'):
        sqlscore.map_events(con, "e", device_id="device", identity="who")
    with pytest.raises(duckdb.InvalidInputException, match="device d belongs to a and to b"):
        con.execute("SELECT count(DISTINCT user_id) FROM sqlscore.events").fetchall()


def test_a_user_who_is_a_device_too_must_be_said_to_be_a_chain(con: duckdb.DuckDBPyConnection) -> None:
    """Devices and users may be numbered separately."""
    fill(con, [("1", None, 1), ("2", None, 2)])
    con.execute("CREATE TABLE who AS SELECT * FROM (VALUES (1, 2), (2, 3)) t(device_id, user_id)")
    with pytest.raises(MappingError, match="says that 1 belongs to 2, and that 2 belongs to 3.*chains=true"):
        sqlscore.map_events(con, "e", device_id="device", identity="who")
    for chains, truth in ((True, {0: "3", 1: "3"}), (False, {0: "2", 1: "3"})):
        text = f"who: device=device_id, user=user_id, chains={str(chains).lower()}"
        sqlscore.map_events(con, "e", device_id="device", identity=text, order="n")
        assert persons(con) == truth


def test_events_need_not_have_a_user_if_a_table_knows_the_devices(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, [("d", None, 1), ("x", None, 2)])
    con.execute("ALTER TABLE e DROP user_id; CREATE TABLE who AS SELECT 'd' AS device, 7 AS person_id")
    sqlscore.map_events(con, "e", device_id="device", identity="who", order="n")
    assert persons(con) == {0: "7", 1: "device:x"}
    with pytest.raises(MappingError, match='no column says who uses a device "device": .*--identity'):
        sqlscore.map_events(con, "e", device_id="device", order="n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"identity": "who: device=d, user=u, colour=x"}, "has no colour=: its options are device"),
        ({"identity": "who: device="}, "there is no table, view or file|cannot be read"),
        ({"identity": "who: user=a, device=d; user"}, 'no column "d; user"'),
        ({"identity": "who"}, 'no column of "who" is named like one of a user .columns: "a", "b".'),
        ({"identity": "who: device=a, user=b"}, None),
        ({"identity": "nobody"}, 'there is no table, view or file "nobody"'),
        ({"device_id": "gadget"}, 'no column "gadget" for device_id .*--device-id'),
        ({"device_id": "device", "append_only": True}, "append_only .* is for events in one table"),
        ({"device_id": "device", "device_shared": True, "identity": "who: device=a, user=b"}, "goes by the logins"),
    ],
)
def test_what_cannot_be_meant_is_said(
    con: duckdb.DuckDBPyConnection, options: dict[str, object], said: str | None
) -> None:
    fill(con, [("d", "u", 1)])
    con.execute("CREATE TABLE who AS SELECT 1 AS a, 2 AS b")
    if said is None:
        sqlscore.map_events(con, "e", **options)  # type: ignore[arg-type]
    else:
        with pytest.raises(MappingError, match=said):
            sqlscore.map_events(con, "e", **options)  # type: ignore[arg-type]


def test_the_same_mapping_again_changes_nothing_and_another_drops_the_view(con: duckdb.DuckDBPyConnection) -> None:
    """The view is one of sqlscore's own: found missing, made anew, and gone with the mapping."""
    fill(con, [("d", None, 1), ("d", "u", 2)])
    views = "SELECT schema_name FROM duckdb_views() WHERE view_name = 'composed_events'"
    mapping = sqlscore.map_events(con, "e", device_id="device").mapping
    assert Mapping.from_json(mapping.to_json()) == mapping
    assert sqlscore.map_events(con, "e", device_id="device").unchanged
    con.execute("DROP VIEW sqlscore.composed_events")
    assert any("sqlscore.composed_events" in problem.what for problem in sqlscore.status(con).problems)
    assert sqlscore.map_events(con, "e", device_id="device").unchanged
    assert con.execute(views).fetchall() == [("sqlscore",)]
    sqlscore.map_events(con, "e", device_id="device", name="other")
    sqlscore.map_events(con, "e", user_id="device")
    assert con.execute(views).fetchall() == [("sqlscore_other",)]
    sqlscore.unmap(con, "other")
    assert con.execute(views).fetchall() == []
