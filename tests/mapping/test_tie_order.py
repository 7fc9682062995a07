"""The order of events that share a time: said by columns, and the same wherever events are read."""

from __future__ import annotations

import duckdb
import pytest
from small_shop import gru_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, MappingError

TIED = """CREATE TABLE e AS SELECT i % 4 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i // 20) AS event_time,
    ['view', 'cart', 'buy'][1 + (i * 7 // 4) % 3] AS event_type, i * 0.5 AS price,
    CASE WHEN i % 9 > 0 THEN (i * 37) % 64 END AS n FROM range(80) t(i)"""

KINDS = {
    "integer": "n",
    "negative": "-n::TINYINT",
    "decimal": "(n / 4)::DECIMAL(9, 2)",
    "double": "n / 3.0",
    "text": "'place ' || n",
    "uuid": "md5(n::VARCHAR)::UUID",
    "boolean": "n > 30",
    "timestamp": "TIMESTAMP '1969-12-31 23:59' + to_seconds(n)",
    "zoned": "TIMESTAMPTZ '2024-01-01 00:00:00+02' + to_seconds(n)",
    "date": "DATE '2024-01-01' - n::INTEGER",
}


@pytest.mark.parametrize("place", KINDS.values(), ids=KINDS)
def test_ad_hoc_bulk_and_history_read_events_in_the_same_order(con: duckdb.DuckDBPyConnection, place: str) -> None:
    """A GRU's numbers depend on the order of every event; the table itself is read in the mapped order too."""
    con.execute(f"SET TimeZone = 'Asia/Tokyo'; {TIED}")
    con.execute(f"CREATE TABLE f AS SELECT * REPLACE ({place} AS n) FROM e ORDER BY md5(price::VARCHAR)")
    sqlscore.map_events(con, "f", features=["price"], order="N")
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    sqlscore.score_history(con, into="history")
    bulk = con.execute("SELECT user_id, churn_risk FROM sqlscore.scored_users ORDER BY 1").fetchall()
    risks = [risk for _, risk in bulk]
    for table in ("sqlscore.events", "f"):
        for risk in ("churn_risk(e)", "list_churn_risk(list(e))"):
            found = con.execute(f"SELECT user_id, {risk} FROM {table} e GROUP BY 1 ORDER BY 1").fetchall()
            assert [risk for _, risk in found] == pytest.approx(risks, abs=1e-6)
    per_user = "SELECT user_id, list(event_type {}) FROM {} GROUP BY 1 ORDER BY 1"
    by_sql = con.execute(per_user.format("ORDER BY event_time, n, event_type, price", "f")).fetchall()
    assert con.execute(per_user.format("", "history")).fetchall() == by_sql
    actions = "list_transform(events, lambda s: s.event_type)"
    sequences = con.execute(f"SELECT user_id, {actions} FROM sqlscore.event_sequences ORDER BY 1").fetchall()
    assert sequences == by_sql


def test_the_views_follow_the_order(con: duckdb.DuckDBPyConnection) -> None:
    """In a second mapping with an odd name too: paths, transitions, sessions, funnels, and what came after a score."""
    con.execute(
        """CREATE TABLE e AS SELECT i // 3 AS user_id, TIMESTAMP '2024-01-01' AS event_time,
           ['start', 'first', 'page'][1 + i % 3] AS event_type, i AS "no. ""n"" here" FROM range(9) t(i)"""
    )
    sqlscore.map_events(con, "e", order='no. "n" here', name="other")
    paths = "SELECT path, n_times FROM sqlscore_other.paths(length := 3)"
    assert con.execute(paths).fetchall() == [(["start", "first", "page"], 3)]
    ends = "SELECT DISTINCT first_action, last_action FROM sqlscore_other.sessions"
    assert con.execute(ends).fetchall() == [("start", "page")]
    pairs = "SELECT action, next_action FROM sqlscore_other.transitions ORDER BY 1"
    assert con.execute(pairs).fetchall() == [("first", "page"), ("start", "first")]
    before = "SELECT DISTINCT previous_action, event_type, place FROM sqlscore_other.ordered_events"
    neighbours = {(None, "start", 1), ("start", "first", 2), ("first", "page", 3)}
    assert set(con.execute(before).fetchall()) == neighbours
    con.execute(
        "CREATE TABLE s AS SELECT DISTINCT user_id, event_time AS as_of FROM e; DROP VIEW sqlscore_other.scored_users;"
        "CREATE TABLE sqlscore_other.scored_users AS FROM s"
    )
    last = "SELECT DISTINCT last_action, done FROM sqlscore_other.user_signs()"
    assert con.execute(last).fetchall() == [("page", ["first", "page", "start"])]
    funnel = "SELECT n_users FROM sqlscore_other.funnel(steps := {}) ORDER BY step"
    assert con.execute(funnel.format("['start', 'page']")).fetchall() == [(3,), (3,)]
    assert con.execute(funnel.format("['page', 'start']")).fetchall() == [(3,), (0,)]


def test_the_next_action_that_judges_a_score_is_the_first_in_the_mapped_order(con: duckdb.DuckDBPyConnection) -> None:
    """By the alphabet a score of "start" would be wrong for everybody; events without the column cannot judge."""
    con.execute(
        """CREATE TABLE e AS SELECT i // 2 AS user_id, TIMESTAMP '2024-01-02' AS event_time,
           ['start', 'first'][1 + i % 2] AS event_type, i AS "the place" FROM range(6) t(i)"""
    )
    con.execute(
        """CREATE TABLE scored AS SELECT i AS user_id, TIMESTAMP '2024-01-01' AS as_of, 'start' AS next_action,
           0.5::FLOAT AS next_action_probability, [{action: 'start', probability: 0.5::FLOAT}] AS next_actions
           FROM range(3) t(i)"""
    )
    judged = "SELECT n_acted, accuracy, listed_accuracy FROM sqlscore.evaluate_next_action('scored', '{}')"
    sqlscore.map_events(con, "e")
    assert con.execute(judged.format("sqlscore.events")).fetchall() == [(3, 0.0, 0.0)]
    sqlscore.map_events(con, "e", order="the place", force=True)
    assert con.execute(judged.format("sqlscore.events")).fetchall() == [(3, 1.0, 1.0)]
    con.execute("CREATE TABLE without AS SELECT user_id, event_time, event_type FROM e")
    with pytest.raises(duckdb.Error, match="the place"):
        con.execute(judged.format("without"))


def test_a_list_without_the_columns_of_the_order_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    """Another order than the mapped one would be a wrong score that nobody sees."""
    con.execute(TIED)
    sqlscore.map_events(con, "e", order="n")
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    with pytest.raises(duckdb.Error, match='events column "n" is missing'):
        con.execute("SELECT list_churn_risk(list(e)) FROM (SELECT * EXCLUDE (n) FROM e WHERE user_id = 1) e").fetchall()


@pytest.mark.parametrize(
    ("place", "order", "said"),
    [
        ("n", "m", r'"e" has no column "m" for order .*: pass order=... \(--order\)'),
        ("[n]", "n", r'order column "n" has type INTEGER\[\].*CAST\("n" AS VARCHAR\), or a number, AS "n"'),
        ("'a'::ENUM('b', 'a')", "n", r"has type ENUM.*, by which events cannot be sorted"),
        ("TIMESTAMP_NS '2024-01-01'", "n", r'epoch_ns\("n"\) AS "n"'),
        ("1::HUGEINT", "n", r"DECIMAL\(38, 0\)"),
        ("TIME '10:00'", "n", r"has type TIME, by which"),
        ("n", "event_time", r'column "event_time" is user, time or action, and orders no events'),
        ("n", ["n", "N"], r"order names a column twice: n, n"),
    ],
)
def test_columns_that_cannot_order_are_refused_with_the_remedy(
    con: duckdb.DuckDBPyConnection, place: str, order: str | list[str], said: str
) -> None:
    con.execute(
        f"""CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type, {place} AS n
            FROM (SELECT 1 AS n)"""
    )
    with pytest.raises((MappingError, EventsError), match=said):
        sqlscore.map_events(con, "e", order=order)


def test_the_share_of_undecided_ties_is_said_at_mapping_and_by_status(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE e AS SELECT i // 4 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' || i AS event_type,
           i // 2 AS pair, i AS n FROM range(16) t(i)"""
    )
    for order, undecided in (((), 1.0), ("pair", 1.0), (("pair", "n"), 0.0)):
        report = sqlscore.map_events(con, "e", order=order, force=True)
        assert (report.profile.n_ties, report.profile.n_undecided) == (16, 16 * undecided)
        assert any("have the same user, time" in w or "have the same user and" in w for w in report.warnings) == bool(
            undecided
        )
        assert sqlscore.status(con).mappings[0].tied_share == undecided


def test_training_in_the_order_of_the_log_predicts_what_the_alphabet_hides(con: duckdb.DuckDBPyConnection) -> None:
    """A log that has a day's actions at midnight, in the order that they were done in: the next one follows from it.

    Sorted by name, what stands before an action says little of it. Chance is 1 in 6.
    """
    con.execute(
        """CREATE TABLE e AS SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_days(d) AS event_time,
               ['pay', 'call', 'file', 'open', 'sign', 'ask'][1 + (7 * u // 3 + 5 * d + n) % 6] AS event_type, n
           FROM range(120) t(u), range(12) s(d), range(5) r(n)"""
    )
    reached = {}
    for order in ((), ("n",)):
        sqlscore.map_events(con, "e", order=order, force=True)
        model = sqlscore.train(con, architecture="markov", max_epochs=3)
        reached[order] = model.metrics["next_action"]["accuracy"]
    assert reached[("n",)] > 0.95
    assert reached[()] < reached[("n",)] - 0.1
