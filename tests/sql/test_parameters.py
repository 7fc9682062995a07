"""What the table macros take: moments in any form mean the same, and what makes no sense raises."""

import re
from collections.abc import Iterator

import duckdb
import pytest

import sqlscore
from sqlscore.errors import SqlscoreError
from sqlscore.sql.objects import objects
from sqlscore.times import to_seconds

AT = "2025-02-28 19:00:00"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """30 users over 70 days, in a session far from UTC."""
    with sqlscore.connect() as con:
        con.execute("SET TimeZone = 'Asia/Kolkata'")
        con.execute(
            """CREATE TABLE e AS SELECT i % 30 AS user_id, TIMESTAMP '2025-01-01' + to_hours(i) AS event_time,
                   ['view', 'buy', 'leave'][1 + (i + i // 30) % 3] AS event_type
               FROM range(1700) t(i) WHERE i % 30 <> 7 OR i < 900"""
        )
        sqlscore.map_events(con, "e")
        con.execute(
            "CREATE TABLE scores AS SELECT user_id, as_of, 0.3 AS churn_risk FROM sqlscore.churn_labels_inactivity()"
        )
        con.execute(
            "CREATE TABLE scored AS SELECT user_id, as_of, churned, as_of AT TIME ZONE 'UTC' AS zoned "
            "FROM sqlscore.churn_labels_inactivity()"
        )
        con.execute("CREATE TABLE zoned AS SELECT * REPLACE (zoned AS as_of) FROM scored")
        con.execute("CREATE TABLE labels AS FROM scored")
        yield con


@pytest.mark.parametrize(
    "moment",
    [
        f"'{AT}'",
        f"TIMESTAMP '{AT}'",
        f"TIMESTAMP_S '{AT}'",
        "TIMESTAMPTZ '2025-03-01 00:00:00+05'",
        "'2025-03-01 00:00:00+05'",
        "'2025-02-28T19:00:00Z'",
        "'2025-03-01 00:30:00+05:30'",
    ],
)
@pytest.mark.parametrize("macro", ["churn_labels_inactivity", "churn_labels_lapsed"])
def test_a_moment_means_the_same_in_every_form(con: duckdb.DuckDBPyConnection, macro: str, moment: str):
    query = "SELECT * EXCLUDE as_of, as_of::VARCHAR AS at FROM sqlscore.{}(as_of := {}) ORDER BY user_id"
    found = con.execute(query.format(macro, moment)).fetchall()
    assert found == con.execute(query.format(macro, f"TIMESTAMP '{AT}'")).fetchall()
    assert found[0][-1] == AT


@pytest.mark.parametrize("none", ["NULL", "NULL::TIMESTAMPTZ", "NULL::VARCHAR"])
def test_no_moment_is_the_default_whatever_its_type(con: duckdb.DuckDBPyConnection, none: str):
    expected = con.execute("SELECT max(as_of) FROM sqlscore.churn_labels_lapsed()").fetchall()
    assert con.execute(f"SELECT max(as_of) FROM sqlscore.churn_labels_lapsed(as_of := {none})").fetchall() == expected


@pytest.mark.parametrize("labels", ["labels", "zoned", "scored"])
def test_scores_meet_labels_whatever_the_zone_and_the_name(con: duckdb.DuckDBPyConnection, labels: str):
    """A table may be called like a part of the macro."""
    n = con.execute("SELECT count(*) FROM scores").fetchall()
    assert con.execute(f"SELECT n FROM sqlscore.evaluate_churn('scores', '{labels}')").fetchall() == n


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("lifecycle_with(dormant_after := 0)", "dormant_after must be a whole number"),
        ("lifecycle_with(dormant_after := 1.5)", "dormant_after must be a whole number"),
        ("lifecycle_with(period := NULL)", "period must be the name"),
        ("cohort_retention_with(period := NULL)", "period must be the name"),
        ("churn_labels_inactivity(horizon := '-3 days')", "horizon must be a span"),
        ("churn_labels_inactivity(horizon := NULL)", "horizon must be a span"),
        ("churn_labels_lapsed(horizon := NULL)", "horizon must be a span"),
        ("action_stats_with(horizon := INTERVAL 0 DAY)", "horizon must be a span"),
        ("churn_labels_lapsed(as_of := TIMESTAMP 'infinity')", "as_of is infinite"),
        ("rfm(as_of := TIMESTAMP '-infinity')", "as_of is infinite"),
        ("sessions_with(gap := NULL)", "gap must be a span"),
        ("sessions_with(gap := '-1 minute')", "gap must be a span"),
        ("calibration_bins('scores', 'labels', bins := 0)", "bins must be a whole number"),
        ("calibration_bins('scores', 'labels', bins := 2.5)", "bins must be a whole number"),
        ("lift_table('scores', 'labels', bins := NULL)", "bins must be a whole number"),
    ],
)
def test_what_makes_no_sense_raises(con: duckdb.DuckDBPyConnection, call: str, says: str):
    with pytest.raises(duckdb.InvalidInputException, match=says):
        con.execute(f"FROM sqlscore.{call}").fetchall()


def test_a_funnel_without_a_limit_loses_nobody(con: duckdb.DuckDBPyConnection):
    within = "SELECT n_users FROM sqlscore.funnel(['view', 'buy', 'leave'], within := {})"
    unlimited = con.execute(within.format("NULL")).fetchall()
    assert unlimited == con.execute(within.format("INTERVAL 1000 DAY")).fetchall()
    assert unlimited[-1][0] > 0


@pytest.mark.parametrize(
    ("last", "is_in"),
    [("2024-02-29 12:00", True), ("2024-02-29 12:00:01", False), ("2024-03-01", False), ("2024-02-28", True)],
)
def test_a_month_is_the_calendars_everywhere(last: str, is_in: bool) -> None:
    """One meaning in all macros: from 31 January to the same time of the last day of February, 29 days later."""
    con = sqlscore.connect(threads=1)
    con.execute(
        f"""CREATE TABLE two AS SELECT * FROM (VALUES
            (1, TIMESTAMP '2024-01-31 12:00', 'a'), (1, TIMESTAMP '{last}', 'b')) v(user_id, event_time, event_type)"""
    )
    sqlscore.map_events(con, "two")
    month = "INTERVAL 1 MONTH"
    for query in (
        f"SELECT n_users = 1 FROM sqlscore.funnel(['a', 'b'], within := {month}) WHERE step = 2",
        f"SELECT count(*) = 1 FROM sqlscore.transitions_with(within := {month})",
        f"SELECT count(*) = 1 FROM sqlscore.paths(length := 2, within := {month})",
        f"SELECT count(*) = 1 FROM sqlscore.sessions_with(gap := {month})",
        "SELECT count(*) = 1 FROM sqlscore.sessions_with(gap := '1 month')",
    ):
        assert con.execute(query).fetchall() == [(is_in,)], query
    con.execute("INSERT INTO two VALUES (2, TIMESTAMP '2024-06-01', 'b')")  # so that nobody is censored
    labels = f"as_of := '2024-01-31 12:00', horizon := {month}, lookback := {month}"
    query = f"SELECT NOT churned FROM sqlscore.churn_labels_inactivity({labels})"
    assert con.execute(query).fetchall() == [(is_in,)]


def test_macros_with_a_span_say_that_months_are_the_calendars() -> None:
    """And the lengths that verbs take are refused in months: a horizon that is learned has a fixed length."""
    con = sqlscore.connect(threads=1)
    comments = dict(
        con.execute("SELECT function_name, comment FROM duckdb_functions() WHERE schema_name = 'sqlscore'").fetchall()
    )
    spans = ("within", "gap", "horizon", "lookback", "observe")
    for item in objects():
        if item.kind == "macro" and re.search(
            rf"^CREATE [^;]*?\b({'|'.join(spans)}) :=[^;]*?AS TABLE", item.text, re.M
        ):
            assert "are the calendar's." in comments[item.name], item.name
    with pytest.raises(SqlscoreError, match="write it in days, as '30 days'"):
        to_seconds("1 month")
