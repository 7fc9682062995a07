"""Attributes of users: every event reads what held at its time, and nothing that came later."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from tiny_model import tiny_artifact
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import Mapping

START = dt.datetime(2024, 1, 1)
EVENTS = """CREATE TABLE clicks AS SELECT i % 10 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(17 * i) AS event_time,
    ['view', 'cart', 'buy'][1 + i % 3] AS event_type, i * 0.5 AS price FROM range(200) t(i)"""
USERS = """CREATE TABLE users AS SELECT i AS user_id, ['de', 'fr', 'it'][1 + i % 3] AS country, 20 + i AS age
    FROM range(10) t(i)"""


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return con.execute(query).fetchall()


moments = st.integers(0, 20)
values = st.none() | st.sampled_from("abc")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(st.integers(0, 3), moments), min_size=1, max_size=15),
    history=st.dictionaries(st.tuples(st.integers(0, 4), moments | st.none()), values, max_size=12),
    kind=st.sampled_from(["TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS"]),
)
@pytest.mark.slow
def test_an_event_reads_the_row_that_held_at_its_time(
    in_memory: duckdb.DuckDBPyConnection,
    events: list[tuple[int, int]],
    history: dict[tuple[int, int | None], str | None],
    kind: str,
) -> None:
    """Against brute force, in any session's zone; a row without a time holds from the start."""
    con = in_memory
    history[events[0][0], -1] = "x"  # so that one user of the events is known
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    con.execute("CREATE OR REPLACE TABLE e (user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, n BIGINT)")
    con.execute(f"CREATE OR REPLACE TABLE h (who INTEGER, since {kind}, plan VARCHAR)")
    for n, (user, hours) in enumerate(events):
        con.execute("INSERT INTO e VALUES (?, ?, 'a', ?)", [user, START + dt.timedelta(hours=hours), n])
    for (user, after), value in history.items():
        since = (
            None if after is None else f"{START + dt.timedelta(hours=after)}{'+00' if kind == 'TIMESTAMPTZ' else ''}"
        )
        con.execute(f"INSERT INTO h VALUES (?, CAST(? AS {kind}), ?)", [user, since, value])
    con.execute("INSERT INTO h SELECT * FROM h")  # delivered twice says one thing
    sqlscore.map_events(
        con, "e", features=["n"], users="h", user_features=["plan"], user_key="who", valid_from="since", force=True
    )

    def expected(user: int, hours: int) -> str | None:
        held = [(-99 if since is None else since, value) for (who, since), value in history.items() if who == user]
        known = [row for row in held if row[0] <= hours]
        return max(known, key=lambda row: row[0])[1] if known else None

    found = dict(rows(con, "SELECT n, plan FROM sqlscore.events"))
    assert found == {n: expected(user, hours) for n, (user, hours) in enumerate(events)}
    newest = max(hours for _, hours in events)
    attributes = dict(rows(con, "SELECT user_id, plan FROM sqlscore.user_attributes"))
    assert attributes == {user: expected(user, newest) for user, _ in events}


def test_a_planted_attribute_is_learned(con: duckdb.DuckDBPyConnection) -> None:
    """What users do depends on their country alone, which stands in another table."""
    con.execute(
        """CREATE TABLE e AS SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_minutes(60 * i + u) AS event_time,
               CASE WHEN i = 0 THEN 'start' WHEN u % 2 = 0 THEN ['a', 'b'][1 + i % 2] ELSE ['c', 'd'][1 + i % 2] END
               AS event_type
           FROM range(300) u(u), range(6) i(i);
           CREATE TABLE k AS SELECT u AS user_id, ['even', 'odd'][1 + u % 2] AS country FROM range(300) u(u)"""
    )
    known = sqlscore.map_events(con, "e", users="k", user_features=["country"])
    assert [(f.name, f.kind) for f in known.mapping.features] == [("country", "categorical")]
    model = sqlscore.train(con, max_epochs=8, architecture="mingru")
    sqlscore.refresh(con)
    after_start = """SELECT country, next_action FROM (SELECT user_id, predict_next_action(e) AS next_action
        FROM sqlscore.events e WHERE event_type = 'start' GROUP BY 1) JOIN sqlscore.user_attributes USING (user_id)
        GROUP BY ALL ORDER BY 1"""
    assert rows(con, after_start) == [("even", "b"), ("odd", "d")], model.notes


@pytest.fixture
def attributed(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Scored events with a price of their own and an age from the table of users, both of which the model reads."""
    con.execute(f"{EVENTS}; {USERS}")
    sqlscore.map_events(con, "clicks", features=["price"], users="users", user_features=["country", "age"])
    register(con, tiny_artifact(numeric=("price", "age")), name="m", mapping="events", champion=True, verb="train")
    con.execute("DELETE FROM sqlscore.guards")
    sqlscore.refresh(con)
    return con


def test_a_changed_row_of_a_user_is_scored_anew_and_no_other(attributed: duckdb.DuckDBPyConnection) -> None:
    con = attributed
    assert sqlscore.refresh(con).kind in ("incremental", "unchanged")
    con.execute("UPDATE users SET age = 99 WHERE user_id = 3")
    report = sqlscore.refresh(con)
    assert (report.kind, report.n_users_encoded) == ("incremental", 1)
    assert_equal_to_full(con)
    con.execute("DELETE FROM users WHERE user_id = 4")
    con.execute("INSERT INTO clicks VALUES (11, TIMESTAMP '2024-01-05', 'buy', 1)")
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)
    assert rows(con, "SELECT user_id FROM sqlscore.user_attributes WHERE country IS NULL ORDER BY 1") == [(4,), (11,)]


def test_lists_and_rows_read_what_the_tables_do(attributed: duckdb.DuckDBPyConnection) -> None:
    con = attributed
    bulk = rows(con, "SELECT user_id, churn_risk FROM sqlscore.scored_users ORDER BY 1")
    risk = "SELECT user_id, churn_risk(e) FROM sqlscore.events e GROUP BY 1 ORDER BY 1"
    assert [r for _, r in rows(con, risk)] == pytest.approx([r for _, r in bulk], abs=1e-6)


def test_segments_are_grouped_by_an_attribute(attributed: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con = attributed
    segments = """SELECT country, count(*) FROM sqlscore.scored_segments JOIN sqlscore.user_attributes USING (user_id)
        GROUP BY ALL ORDER BY 1"""
    assert rows(con, segments) == [("de", 4), ("fr", 3), ("it", 3)]
    published = sqlscore.publish(con, tmp_path / "bi.duckdb", tables=["scored_users", "user_attributes"])
    assert published.tables["user_attributes"].rows == 10
    sqlscore.map_events(con, "clicks", features=["price"], force=True)
    with pytest.raises(duckdb.CatalogException):
        con.execute("FROM sqlscore.user_attributes")


def test_a_second_row_of_a_user_is_an_error_wherever_events_are_read(attributed: duckdb.DuckDBPyConnection) -> None:
    con = attributed
    con.execute("INSERT INTO users VALUES (5, 'de', 1)")
    with pytest.raises(EventsError, match=r"user_id 5 has several rows in .*--valid-from"):
        sqlscore.refresh(con)
    with pytest.raises(duckdb.InvalidInputException, match="user_id 5 has several rows"):
        con.execute("SELECT count(country) FROM sqlscore.events").fetchall()
    assert not sqlscore.status(con).mappings[0].readable
    con.execute("CREATE TABLE history AS SELECT *, TIMESTAMP '2024-01-01' AS since FROM users")
    asked: dict[str, Any] = {"users": "history", "user_features": ["country"], "valid_from": "since"}
    with pytest.raises(EventsError, match="user_id 5 has several rows from one time on.*leave one of them"):
        sqlscore.map_events(con, "clicks", name="other", **asked)


def test_what_does_not_fit_is_said_with_the_remedy(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"{EVENTS}; {USERS}")
    con.execute("CREATE TABLE texts AS SELECT * REPLACE (user_id::VARCHAR AS user_id), 7 AS since FROM users")
    con.execute("CREATE TABLE others AS SELECT * REPLACE (user_id + 500 AS user_id), user_id AS id FROM users")
    con.execute("CREATE TABLE clash AS SELECT *, 1 AS PRICE FROM users")
    con.execute("CREATE TABLE nobody AS SELECT NULL::BIGINT AS user_id, 1 AS age")
    wrong = {
        ("texts", "age", "", ""): r"users are BIGINT in the events and VARCHAR in .*CAST\(\"user_id\" AS BIGINT\)",
        ("texts", "age", "", "since"): 'BIGINT in the events and VARCHAR|valid_from column "since".*expected a time',
        ("others", "age", "", ""): "no user of the events has a row.*--user-key",
        ("clash", "price", "", ""): 'the events have a column "PRICE" too.*RENAME',
        ("nobody", "age", "", ""): '1 rows of the users .* have no "user_id"',
        ("users", "", "", ""): r"which columns .* \(columns: \"country\", \"age\"\).*--user-feature",
        ("users", "agee", "", ""): r'no column "agee".*--user-feature',
        ("users", "age", "agee", ""): r'no column "agee".*--user-key',
        ("users", "age", "age", ""): "two roles",
    }
    for (table, feature, key, since), message in wrong.items():
        with pytest.raises((MappingError, EventsError), match=message):
            sqlscore.map_events(
                con,
                "clicks",
                users=table,
                user_features=[feature] if feature else [],
                user_key=key or None,
                valid_from=since or None,
            )
    with pytest.raises(MappingError, match="say which that is, users="):
        sqlscore.map_events(con, "clicks", user_features=["age"])
    remedy = 'CREATE VIEW attributes AS SELECT * REPLACE (CAST("user_id" AS BIGINT) AS "user_id") FROM "main"."texts"'
    con.execute(remedy)
    assert sqlscore.map_events(con, "clicks", users="attributes", user_features={"age": "categorical"}).mapping.features


def test_todays_values_are_warned_of_and_those_that_know_the_end_named(con: duckdb.DuckDBPyConnection) -> None:
    """A churn flag that was written when the user had left, and a country that was not."""
    con.execute(
        """CREATE TABLE e AS SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_minutes(60 * i + u) AS event_time,
               ['a', 'b', 'c'][1 + (u * 7 + i * (1 + u // 3 % 2)) % 3] AS event_type
           FROM range(200) u(u), range(2) i(i);
           CREATE TABLE k AS SELECT user_id, last(event_type ORDER BY event_time) AS last_seen_doing,
               ['de', 'fr'][1 + user_id // 50 % 2] AS country FROM e GROUP BY 1 HAVING user_id < 198"""
    )
    warnings = sqlscore.map_events(con, "e", users="k", user_features=["country", "last_seen_doing"]).warnings
    assert any(text.startswith("2 of 200 users have no row") for text in warnings)
    assert any("what is known today" in text for text in warnings)
    assert [text for text in warnings if text.startswith("last_seen_doing: nearly says what comes next")]


def test_persons_of_devices_have_attributes_too(con: duckdb.DuckDBPyConnection) -> None:
    """The person is text then, and an id that looks like a device's is told apart on both sides."""
    con.execute(
        """CREATE TABLE e AS FROM (VALUES (1, 'd1', TIMESTAMP '2024-01-01', 'a'),
           (NULL, 'd1', TIMESTAMP '2024-01-02', 'b'),
           (2, 'd2', TIMESTAMP '2024-01-01', 'a'), (NULL, 'd3', TIMESTAMP '2024-01-01', 'a'))
           t(user_id, device, event_time, event_type); CREATE TABLE u AS SELECT 1 AS user_id, 'de' AS country"""
    )
    report = sqlscore.map_events(con, "e", device_id="device", users="u", user_features=["country"])
    found = rows(con, "SELECT user_id, country FROM sqlscore.events ORDER BY ALL")
    assert found == [("1", "de"), ("1", "de"), ("2", None), ("device:d3", None)]
    assert Mapping.from_json(report.mapping.to_json()) == report.mapping


def test_the_command_line_maps_attributes_of_a_file(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"{EVENTS}; {USERS}")
        con.execute(f"COPY clicks TO '{tmp_path / 'clicks.parquet'}'; COPY users TO '{tmp_path / 'users.csv'}'")
    database = str(tmp_path / "db.duckdb")
    options = ["--users", str(tmp_path / "users.csv"), "--user-feature", "country", "--user-feature", "age"]
    events = ["init", database, "--events", str(tmp_path / "clicks.parquet"), "--categorical", "age"]
    result = CliRunner().invoke(app, [*events, *options, "--json"])
    assert result.exit_code == 0, result.output
    mapping = json.loads(result.stdout)["mapping"]
    assert [(f["name"], f["kind"]) for f in mapping["features"]] == [("country", "categorical"), ("age", "categorical")]
    assert mapping["composition"]["users"]["key"] == "user_id"


def test_attributes_of_an_attached_database_stay_readable(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "crm.duckdb") as crm:
        crm.execute(f"{USERS}; CREATE VIEW people AS FROM users")
    with sqlscore.connect(tmp_path / "db.duckdb") as con:
        con.execute(EVENTS)
        attach = {"crm": str(tmp_path / "crm.duckdb")}
        sqlscore.map_events(con, "clicks", users="crm.people", user_features=["country"], attach=attach)
    with sqlscore.connect(tmp_path / "db.duckdb") as con:
        assert rows(con, "SELECT count(country) FROM sqlscore.events") == [(200,)]


def test_several_sources_have_attributes_of_users_too(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"{EVENTS}; {USERS}; CREATE TABLE mails AS SELECT user_id, event_time, 'mail' AS event_type FROM clicks"
    )
    sqlscore.map_events(con, ["clicks", "mails"], users="users", user_features=["country"])
    counts = "SELECT count(*), count(country), count(DISTINCT country) FROM sqlscore.events"
    assert rows(con, counts) == [(400, 400, 3)]
    assert rows(con, "SELECT count(*), count(country) FROM sqlscore.user_attributes") == [(10, 10)]
