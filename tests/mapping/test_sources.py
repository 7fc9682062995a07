"""Several sources as one sequence a user: planted users, events and order are found again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import gru_artifact

import sqlscore
from sqlscore import Source
from sqlscore.database.registry import register
from sqlscore.errors import GuardWarning, MappingError
from sqlscore.events.mapping import Mapping

START = datetime(2024, 1, 1)
PURCHASES = Source("purchases", user_id="cust", event_time="ts", action="buy", columns={"price": "amount"})
VIEWS = Source("views", user_id="visitor")


@pytest.fixture
def two(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """30 purchases and 60 views of the same 5 users; views reach 30 hours further."""
    con.execute(
        """CREATE TABLE purchases AS
               SELECT i % 5 AS cust, TIMESTAMP '2024-01-01' + to_hours(i) AS ts, i * 0.5 AS amount, i AS id
               FROM range(30) t(i);
           CREATE TABLE views AS
               SELECT CAST(i % 5 AS VARCHAR) AS visitor, epoch_ms(TIMESTAMP '2024-01-01' + to_hours(i)) AS event_time,
                   (['view', 'cart'])[1 + i % 2] AS event_type, i AS id, 'web' AS Channel
               FROM range(60) t(i);
           UPDATE sqlscore.guards SET outcome = 'note' WHERE name IN ('unknown_share', 'missing_share')"""
    )
    return con


moments = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40 * 24)), min_size=1, max_size=8)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(moments, min_size=2, max_size=4))
def test_events_are_whole_up_to_the_slowest_source_that_has_not_stopped(
    con: duckdb.DuckDBPyConnection, logs: list[list[tuple[int, int]]]
) -> None:
    """By brute force: each source's newest event and longest silence, the mark, and the events up to it, in order."""
    sources = []
    for n, log in enumerate(logs):
        con.execute(f"CREATE OR REPLACE TABLE s{n} (user_id BIGINT, event_time TIMESTAMP, x{n} BIGINT)")
        con.executemany(f"INSERT INTO s{n} VALUES (?, ?, ?)", [(u, START + timedelta(hours=h), u) for u, h in log])
        sources.append(Source(f"s{n}", action=f"did {n}"))
    report = sqlscore.map_events(con, sources, features=["source", "x0", "x1"], order="source", force=True)

    newest = [max(hour for _, hour in log) for log in logs]
    stopped = []
    for n, log in enumerate(logs):
        hours = sorted(hour for _, hour in log)
        silence = max((later - hour for hour, later in zip(hours, hours[1:], strict=False)), default=0)
        stopped.append(max(newest) - newest[n] > max(7 * 24, 1.5 * silence))
    mark = min(last for n, last in enumerate(newest) if not stopped[n])
    truth = sorted(
        (str(u), START + timedelta(hours=h), f"s{n}", f"did {n}", u if n == 0 else None, u if n == 1 else None)
        for n, log in enumerate(logs)
        for u, h in log
        if h <= mark
    )
    query = """SELECT CAST(user_id AS VARCHAR), event_time, source, event_type, x0, x1 FROM sqlscore.events
               ORDER BY user_id, event_time, source"""
    assert con.execute(query).fetchall() == truth
    assert con.execute("SELECT high_water FROM sqlscore.high_water").fetchall() == [(START + timedelta(hours=mark),)]
    assert [source.stopped for source in report.sources] == stopped
    assert [source.newest for source in report.sources] == [START + timedelta(hours=hour) for hour in newest]
    waiting = [sum(hour > mark for _, hour in log) for log in logs]
    assert [source.n_waiting for source in report.sources] == waiting


def test_columns_times_and_ids_of_each_source_are_read_as_they_are(two: duckdb.DuckDBPyConnection) -> None:
    """Numbers and texts are one user's ids, epoch numbers and times one clock, columns go by name."""
    report = sqlscore.map_events(two, [PURCHASES, VIEWS], features=["price", "channel", "source"])
    assert (report.profile.n_users, report.profile.n_events, report.warnings[1:]) == (5, 60, ())
    assert [feature.name for feature in report.mapping.features] == ["price", "Channel", "source"]
    rows = two.execute("FROM sqlscore.events WHERE user_id = '2' ORDER BY event_time, event_type LIMIT 3").fetchall()
    two_oclock = START + timedelta(hours=2)
    assert rows[:2] == [
        ("2", two_oclock, "buy", 1.0, None, "purchases"),
        ("2", two_oclock, "view", None, "web", "views"),
    ]
    assert Mapping.from_json(report.mapping.to_json()) == report.mapping
    assert sqlscore.map_events(two, [PURCHASES, VIEWS], features=["price", "channel", "source"]).unchanged
    text = ["purchases: user_id=cust, event_time=ts, event_type='buy', price=amount", "views: user_id=visitor"]
    assert sqlscore.map_events(two, text, features=["price", "channel", "source"]).unchanged


def test_uuids_and_texts_are_ids_of_one_kind(con: duckdb.DuckDBPyConnection) -> None:
    """The engine would read the texts as UUIDs, and fail at the first that is none."""
    con.execute(
        """CREATE TABLE app AS SELECT UUID '0196f3ce-0000-7000-8000-00000000000a' AS user_id, 1 AS event_type,
               DATE '2024-01-02' AS event_time;
           CREATE TABLE web AS SELECT unnest(['guest-17', '0196f3ce-0000-7000-8000-00000000000a']) AS user_id,
               'view' AS event_type, TIMESTAMPTZ '2024-01-02 00:00:00+00' AS event_time"""
    )
    sqlscore.map_events(con, ["app", "web"])
    rows = con.execute(
        "SELECT user_id, list(event_type ORDER BY event_type) FROM sqlscore.events GROUP BY 1 ORDER BY 1"
    )
    assert rows.fetchall() == [("0196f3ce-0000-7000-8000-00000000000a", ["1", "view"]), ("guest-17", ["view"])]


def test_an_id_is_one_within_its_source(two: duckdb.DuckDBPyConnection) -> None:
    """Both number from 0: a purchase is no repeat of a view."""
    two.execute("INSERT INTO purchases FROM purchases WHERE id = 7")
    report = sqlscore.map_events(two, [PURCHASES, VIEWS], event_id="id")
    assert (report.profile.n_events, report.profile.n_repeated) == (60, 1)


def test_files_and_tables_may_be_mixed(two: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """CSV ids stay as written, and the device that a source has names the user where it has none."""
    (tmp_path / "mails.csv").write_text("user_id,event_time,event_type\n007,2024-01-01 03:00:00,open\n")
    two.execute(f"COPY (FROM views) TO '{tmp_path}/views.parquet'")
    views = Source(f"{tmp_path}/views.parquet", user_id="visitor")
    sources: list[Source | str] = [PURCHASES, views, f"{tmp_path}/mails.csv"]
    report = sqlscore.map_events(two, sources, features=["source"])
    assert {source.name: source.n_events for source in report.sources} == {"purchases": 30, "views": 60, "mails": 1}
    assert two.execute("SELECT user_id FROM sqlscore.events WHERE source = 'mails'").fetchall() == [("007",)]
    assert any('none of the 1 users of the source "mails" is in another one' in text for text in report.warnings)


def test_devices_of_one_source_are_persons_of_all(two: duckdb.DuckDBPyConnection) -> None:
    two.execute(
        """CREATE TABLE app AS SELECT 'phone' AS dev, event_time, event_type, CASE WHEN id = 9 THEN visitor END AS who
           FROM views WHERE id < 20"""
    )
    sqlscore.map_events(two, [PURCHASES, "app: user_id=who, device_id=dev"], features=["source"])
    query = "SELECT DISTINCT user_id FROM sqlscore.events WHERE source = 'app'"
    assert two.execute(query).fetchall() == [("4",)]
    assert two.execute("SELECT count(DISTINCT user_id) FROM sqlscore.events").fetchall() == [(5,)]


def test_scores_are_as_of_the_slowest_source_and_wait_for_no_stopped_one(two: duckdb.DuckDBPyConnection) -> None:
    """Newer events of the other make nobody look churned; functions over the mapped view agree with the tables."""
    sqlscore.map_events(two, [PURCHASES, VIEWS], features=["price"])
    register(two, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    report = sqlscore.refresh(two)
    slowest = START + timedelta(hours=29)
    assert (report.as_of, report.n_events) == (slowest, 60)
    assert 'newest event of "purchases": 30 newer events of the others wait' in report.notes[-1]
    same = """SELECT count(*) FROM sqlscore.scored_users s JOIN (
                  SELECT user_id, list_churn_risk(list(e)) AS risk FROM sqlscore.events e GROUP BY user_id) a
              USING (user_id) WHERE abs(a.risk - s.churn_risk) < 1e-5"""
    assert two.execute(same).fetchall() == [(5,)]
    assert [p.what for p in sqlscore.status(two).problems if "newer" in p.what] == []

    two.execute("INSERT INTO views SELECT visitor, event_time + 864000000, event_type, id + 100, Channel FROM views")
    with pytest.warns(GuardWarning, match='the source "purchases" has stopped: .* lies 11 days behind'):
        report = sqlscore.refresh(two)
    assert report.as_of == START + timedelta(hours=59, days=10)
    assert [(source.name, source.stopped) for source in report.sources] == [("purchases", True), ("views", False)]
    with pytest.warns(GuardWarning, match="has stopped"):
        assert sqlscore.refresh(two, accept=True).kind == "incremental"
    assert sqlscore.refresh(two).warnings == ()
    assert not any("stopped" in problem.what for problem in sqlscore.status(two).problems)
    assert sqlscore.status(two).mappings[0].sources == report.sources


def test_a_wrong_date_in_a_source_moves_no_mark_and_is_counted(two: duckdb.DuckDBPyConnection) -> None:
    two.execute("INSERT INTO purchases VALUES (1, now()::TIMESTAMP + INTERVAL 90 DAY, 1, 999), (1, 'infinity', 1, 998)")
    report = sqlscore.map_events(two, [PURCHASES, VIEWS])
    assert (report.profile.high_water, report.profile.n_future) == (START + timedelta(hours=29), 1)


BAD: list[tuple[list[Any], dict[str, Any], str]] = [
    ([], {}, "there is no source"),
    ([VIEWS, VIEWS], {}, 'two sources are called "views": name one of them'),
    (["views: visitor"], {}, 'there is no table, view or file "views: visitor"'),
    (["views: user_id=visitor, user_id=id"], {}, "says user_id= twice"),
    (["views: user_id='visitor'"], {}, "gives a text for user_id, which must be a column"),
    (["views: user_id=visitor; id=x y z, 'q'"], {}, "cannot be read from \" 'q'\" on"),
    ([VIEWS, Source("purchases")], {}, '"purchases" has no column "user_id" for user_id'),
    ([VIEWS, Source("purchases", "amount", "ts", action="b")], {}, '"amount" of "purchases" has type DECIMAL'),
    ([VIEWS, Source("purchases", user_id="cust", event_time="amount", action="b")], {"time_unit": "weeks"}, "source"),
    ([PURCHASES, Source("views", "visitor", action="v", event_type="id")], {}, "has an event_type and an action"),
    ([PURCHASES, Source("views", "visitor", columns={"user_id": "id"})], {}, 'calls a column "user_id"'),
    ([PURCHASES, VIEWS], {"features": ["colour"]}, 'has no column "colour" for feature'),
    ([PURCHASES, VIEWS], {"append_only": True}, "append_only .* is for events in one table"),
    ([PURCHASES, VIEWS], {"device_id": "dev"}, 'no source has a column "dev" for device_id'),
    (
        [PURCHASES, Source("views", user_id="visitor", columns={"price": "Channel"})],
        {"features": ["price"]},
        '"amount" of the source "purchases" has type DECIMAL.*, and "Channel" of "views" has type VARCHAR',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sources", "options", "said"), BAD)
def test_what_does_not_go_together_is_said(
    two: duckdb.DuckDBPyConnection, sources: list[Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(sqlscore.SqlscoreError, match=said):
        sqlscore.map_events(two, sources, **options)
    assert two.execute("SELECT count(*) FROM sqlscore.mappings").fetchall() == [(0,)]


def test_odd_names_are_quoted_as_in_sql(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE "the, shop: no. 1" AS
           SELECT 1 AS "who's", TIMESTAMP '2024-01-01' AS "when, UTC", 'x' AS "a ""b""\""""
    )
    text = """"the, shop: no. 1": user_id="who's", event_time = "when, UTC", event_type='it''s, done', b="a ""b""\""""
    other = """the, shop: no. 1: user_id="who's", event_time="when, UTC", event_type='x', name=2"""
    sqlscore.map_events(con, [text, other], features=["b"])
    rows = con.execute("FROM sqlscore.events ORDER BY event_type").fetchall()
    assert rows == [(1, START, "it's, done", "x"), (1, START, "x", None)]


def test_unused_columns_that_do_not_go_together_are_left_out(two: duckdb.DuckDBPyConnection) -> None:
    two.execute("ALTER TABLE purchases ADD COLUMN Channel BIGINT; ALTER TABLE views ADD COLUMN source VARCHAR")
    report = sqlscore.map_events(two, [PURCHASES, VIEWS])
    assert [candidate.name for candidate in report.candidates] == ["source", "id", "price"]
    with pytest.raises(MappingError, match='"Channel" of the source "purchases" has type BIGINT'):
        sqlscore.map_events(two, [PURCHASES, VIEWS], features=["channel"])


def test_a_source_that_stopped_is_not_taken_for_a_group_that_ended(two: duckdb.DuckDBPyConnection) -> None:
    two.execute(
        """CREATE TABLE crowd AS SELECT i % 40 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time, 'open' AS
               event_type FROM range(240) t(i);
           CREATE TABLE later AS SELECT 100 + i % 40 AS user_id, TIMESTAMP '2024-01-01' + to_days(i) AS event_time,
               'read' AS event_type FROM range(240) t(i);
           CREATE TABLE both_of_them AS SELECT *, 'a' AS site FROM crowd UNION ALL SELECT *, 'b' FROM later"""
    )
    alone = sqlscore.map_events(two, "both_of_them")
    assert any("(--group)" in text for text in alone.warnings)
    report = sqlscore.map_events(two, [Source("crowd"), Source("later")], force=True)
    assert any('"crowd" has stopped' in text for text in report.warnings)
    assert not any("(--group)" in text for text in report.warnings)
