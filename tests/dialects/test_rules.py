"""DuckDB's SQL and Spark's for the same rows, construct by construct; and what is refused, by which rule."""

from __future__ import annotations

import re

import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.errors import TranspileError

PAIRS = {
    "list(event_type ORDER BY event_time)": "ARRAY_SORT(COLLECT_LIST(STRUCT(e.event_time IS NULL AS n_k0, "
    "e.event_time AS k0, e.event_type AS v)))",
    "list(price)": "NULLIF(TRANSFORM(COLLECT_LIST(STRUCT(e.price AS v)), s -> s.v), ARRAY())",
    "list(event_type ORDER BY event_time)[1]": "TRY_ELEMENT_AT(",
    "list(event_type ORDER BY event_time)[-1]": ", -1)",
    "median(price)": "PERCENTILE(e.price, 0.5)",
    "quantile_cont(price, 0.9)": "PERCENTILE(e.price, 0.9)",
    "arg_max(event_type, event_time)": "MAX_BY(e.event_type, e.event_time) FILTER(WHERE NOT e.event_type IS NULL)",
    "CAST(max(price) AS INTEGER)": "CAST(RINT(MAX(e.price)) AS INT)",
    "count(*) / count(price)": "NULLIF(CAST(COUNT(e.price) AS DOUBLE), 0)",
    "count(*) // 2": "DIV (2)",
    "epoch_us(max(event_time))": "UNIX_MICROS(MAX(e.event_time))",
    "date_trunc('week', max(event_time))": "DATE_TRUNC('WEEK', CAST(MAX(e.event_time) AS TIMESTAMP))",
    "date_diff('day', min(event_time), max(event_time))": "DIV 86400000000",
    "max(event_time) - INTERVAL 2 WEEK": "INTERVAL '14' DAY",
    "max(event_time) + to_minutes(5)": "MAKE_DT_INTERVAL(0, 0, 0, CAST((5) * 60000000 AS DECIMAL(18, 0)) / 1000000)",
    "concat('a', max(event_type))": "COALESCE(CAST(MAX(e.event_type) AS STRING), ''))",
    "list_contains(list(event_type), 'cart')": "COALESCE(ARRAY_CONTAINS(",
    "ln(sum(price))": "CAST('-Infinity' AS DOUBLE)",
    "hour(max(event_time))": "CAST(HOUR(CAST(MAX(e.event_time) AS TIMESTAMP)) AS BIGINT)",
    "dayofweek(max(event_time))": "DAYOFWEEK(CAST(MAX(e.event_time) AS TIMESTAMP)) - 1",
    "isodow(max(event_time))": "WEEKDAY(CAST(MAX(e.event_time) AS TIMESTAMP)) + 1",
    "date_part('week', max(event_time))": "WEEKOFYEAR(",
    "floor(max(price))": "CASE WHEN ABS(MAX(e.price)) < 4503599627370496 THEN",
}
"""An expression over table `e` of the small shop, and what its Spark SQL holds."""

REFUSED = {
    "SELECT count(*) AS n FROM e AS l JOIN e AS r ON (l.user_id, l.event_type) = (r.user_id, r.event_type)": "pair",
    "SELECT count(*) AS n FROM e WHERE (user_id, event_type) <> ('1', 'cart')": "pair",
    "SELECT count(*) AS n FROM e WHERE (user_id, event_type) NOT IN (('1', 'cart'), ('2', NULL))": "pair",
    "SELECT count(*) AS n FROM e WHERE (user_id, event_type) IN (SELECT (user_id, event_type) FROM e)": "pair",
    "SELECT count(*) AS n FROM e WHERE (user_id, event_type) IN (SELECT user_id, event_type FROM e)": None,
    "SELECT x FROM (VALUES (1, 2), (3, 4)) AS v (x, y)": None,
    "SELECT max(event_time) + INTERVAL '1 day 12:00:00' AS t FROM e": "interval",
    "SELECT max(event_time) + INTERVAL '90 days ago' AS t FROM e": "interval",
    "SELECT list_sum(list(price)) FROM e": "unknown",
    "SELECT list(DISTINCT event_type) FROM e": "list",
    "SELECT sum(CAST(price AS DECIMAL(20, 2)) * CAST(price AS DECIMAL(20, 2))) FROM e": "decimal",
    "SELECT list(price ORDER BY event_time DESC NULLS FIRST) FROM e": "list",
    "SELECT CAST(price AS VARCHAR) FROM e": "cast",
    "SELECT TRY_CAST(event_type AS INTEGER) FROM e": "cast",
    "SELECT concat(price, 'x') FROM e": "concat",
    "SELECT event_type LIKE 'a\\b' FROM e": "like",
    "SELECT hash(event_type) FROM e": "unknown",
    "SELECT hour(CAST(event_time AS TIMESTAMPTZ)) FROM e": "part",
    "SELECT date_part('timezone', event_time) FROM e": "part",
    "SELECT date_part(event_type, event_time) FROM e": "part",
    "SELECT event_time AT TIME ZONE 'America/New_York' FROM e": "unknown",
    "SELECT now() - event_time FROM e": "unknown",
    "SELECT event_time < current_timestamp FROM e": "unknown",
    "SELECT CAST(event_time AS DATE) = current_date FROM e": "unknown",
    "SELECT strftime(event_time, '%H') FROM e": "unknown",
    "SELECT epoch_ms(event_time) FROM e": "unknown",
    "SELECT approx_quantile(price, 0.5) FROM e": "quantile",
    "SELECT list(event_type ORDER BY event_time)[1:2] FROM e": "element",
    "SELECT * FROM e TABLESAMPLE 10%": "sample",
    "SELECT * FROM range(3)": "table",
    "SELECT a.price FROM e a ASOF JOIN e b ON a.user_id = b.user_id AND a.event_time >= b.event_time": "asof",
    "SELECT a.price FROM e a JOIN e b USING (user_id)": None,
    "SELECT name FROM sqlscore.models": None,
    "SELECT user_id, predict_next_action(e) FROM e GROUP BY user_id": "model",
}
"""Queries with the rule that refuses them; None: carried over."""


@pytest.mark.parametrize("expression", PAIRS)
def test_what_duckdb_means_is_written_for_spark(expression: str) -> None:
    text = sqlscore.transpile(open_shop(), f"SELECT {expression} AS x FROM e GROUP BY user_id")
    assert PAIRS[expression] in " ".join(text.split()).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize("query", REFUSED)
def test_what_has_no_equal_is_refused_by_its_rule(query: str) -> None:
    rule = REFUSED[query]
    if rule is None:
        assert sqlscore.transpile(open_shop(), query)
        return
    with pytest.raises(TranspileError, match=rf"(?s)the query, line 1: .*\[{rule}\]"):
        sqlscore.transpile(open_shop(), query)


def test_a_refusal_names_its_line() -> None:
    with pytest.raises(TranspileError, match=re.escape("the query, line 3: HASH(")):
        sqlscore.transpile(open_shop(), "SELECT\n    user_id,\n    hash(event_type) AS h\nFROM e")


def test_a_name_that_two_queries_use_for_parts_of_theirs_stays_two() -> None:
    """Spark has all parts at the top: those of the view and those of the query around it are told apart."""
    text = sqlscore.transpile(open_shop(), "WITH final AS (SELECT * FROM sqlscore.sessions) SELECT * FROM final")
    names = re.findall(r"^(?:WITH|\s*\),) (\w+) AS \($", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 3


def test_labels_by_group_are_refused() -> None:
    """They end where each group does, which is another query."""
    con = open_shop()
    con.execute("CREATE TABLE sites AS SELECT *, user_id % 2 AS site FROM e")
    sqlscore.map_events(con, "sites", features=["price"], group="site", force=True)
    with pytest.raises(TranspileError, match=r"mapped with a group .*\[group\]"):
        sqlscore.transpile(con, "sqlscore.churn_labels_lapsed()")
    assert sqlscore.transpile(con, "sqlscore.sessions")


def test_the_session_must_be_in_utc() -> None:
    assert "DATE_FORMAT(TIMESTAMP_MICROS(0), 'VV')" in sqlscore.transpile(open_shop(), "SELECT user_id FROM e")


@pytest.mark.parametrize("query", ["SELECT nothing FROM e", "DROP TABLE e", "SELECT 1; SELECT 2", "no_such_view"])
def test_what_is_no_query_is_an_error(query: str) -> None:
    with pytest.raises(TranspileError, match="is not a query that DuckDB runs here|must be one SELECT"):
        sqlscore.transpile(open_shop(), query)


@pytest.mark.parametrize(
    "query", ["SELECT {} FROM e", "FROM {}", "{}", "DROP TABLE {}", "SELECT -DATE '2024-01-01', '{}'"]
)
def test_an_error_quotes_a_line_of_the_query_at_most(query: str) -> None:
    with pytest.raises(TranspileError) as refused:
        sqlscore.transpile(open_shop(), query.format("long" * 5_000))
    assert 0 < len(str(refused.value)) < 900


@pytest.mark.parametrize("query", ["SELECT 1; DROP TABLE e", "e; DROP TABLE e", "DELETE FROM e"])
def test_nothing_that_is_given_is_run(query: str) -> None:
    con = open_shop()
    with pytest.raises(TranspileError):
        sqlscore.transpile(con, query)
    assert con.execute("SELECT count(*) FROM e").fetchall() == [(40,)]


def test_an_unknown_dialect_names_the_known_ones() -> None:
    with pytest.raises(TranspileError, match="choose one of spark"):
        sqlscore.transpile(open_shop(), "SELECT 1", dialect="oracle")
