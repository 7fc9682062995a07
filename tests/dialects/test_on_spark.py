"""The shipped views, row by row, on DuckDB and on Spark: needs PySpark 4.3 and Java 17 (the extra spark)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from carried_views import EDGES, FEATURES, OWN, SCORES, TABLES, open_carried_shop, same_rows
from spark_here import require_spark

import sqlscore

require_spark()

EMPTY = ("model_metrics", "group_metrics", "action_attention")
"""Views that have no rows for a model that was not trained here."""

QUERIES = (
    "SELECT user_id, count(*) / (count(*) - 20) AS x, 0.0 / (count(*) - count(price)) AS y FROM e GROUP BY user_id",
    "SELECT user_id, CAST(avg(price) AS INTEGER) AS x, CAST(sum(price) / 2 AS BIGINT) AS y FROM e GROUP BY user_id",
    "SELECT user_id, date_diff('week', min(event_time), max(event_time)) AS w, date_diff('month', min(event_time), "
    "max(event_time)) AS m, date_diff('hour', min(event_time), max(event_time)) AS h FROM e GROUP BY user_id",
    "SELECT user_id, list(price ORDER BY event_time DESC) AS l, list(event_type ORDER BY price, event_time)[-2] AS x, "
    "list(price) FILTER (WHERE price < 0) AS n FROM e GROUP BY user_id",
    "SELECT user_id, arg_max(price, event_time) AS x, list_contains(list(price ORDER BY event_time), 3.0) AS y, "
    "concat(user_id, NULL, count(*)) AS z FROM e GROUP BY user_id",
    "SELECT user_id, ln(count(*) - 20) AS x, log2(count(*) - 20) AS y, ln(sum(price) * 0) AS z FROM e GROUP BY user_id",
    "SELECT a.user_id, a.event_time, b.t FROM e a ASOF LEFT JOIN (SELECT user_id, event_time AS t FROM e "
    "WHERE event_type = 'buy' GROUP BY user_id, event_time) b ON a.user_id = b.user_id AND a.event_time > b.t",
    "SELECT a.user_id, b.t FROM e a ASOF JOIN (SELECT DISTINCT user_id, event_time AS t FROM e WHERE price > 20) b "
    "ON a.user_id = b.user_id AND b.t >= a.event_time",
    "SELECT user_id, price FROM e QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY event_time, price) = 2",
    "SELECT user_id FROM (SELECT DISTINCT user_id FROM e) u ANTI JOIN (SELECT user_id AS k FROM e WHERE price > 23) b "
    "ON b.k = u.user_id",
    "SELECT user_id, sqlscore.two_sided_p(count(*) / 10) AS p, sqlscore.utc_moment('2024-03-01T10:00:00+02:00') AS t "
    "FROM e GROUP BY user_id",
    "SELECT date_trunc('week', event_time) AS w, quantile_cont(price, 0.9) AS q, median(price) AS m FROM e GROUP BY 1",
    "SELECT hour(event_time) AS h, count(*) AS n FROM e WHERE dayofweek(event_time) IN (0, 6) GROUP BY 1",
    "SELECT t, second(t) AS s, week(t) AS w, hour(t) * 1000000000 AS h FROM times",
)


CALLS = tuple(f"SELECT * FROM sqlscore.{call}" for call in (*FEATURES, *SCORES))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_carried_shop(tmp_path_factory.mktemp("spark") / "shop.duckdb") as con:
        yield con


@pytest.fixture(scope="module")
def spark(shop: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local session in UTC that holds the events and the scores."""
    from pyspark.sql import SparkSession, functions

    folder = tmp_path_factory.mktemp("tables")
    builder = SparkSession.builder.master("local[2]").config("spark.sql.session.timeZone", "UTC")
    for key in (
        "ui.enabled=false",
        "sql.shuffle.partitions=2",
        "driver.bindAddress=127.0.0.1",
        "driver.host=127.0.0.1",
    ):
        builder = builder.config(f"spark.{key.partition('=')[0]}", key.partition("=")[2])
    session = builder.config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC").getOrCreate()
    for name in (*TABLES, *OWN):
        path = folder / f"{name}.parquet"
        relation = shop.sql(f"FROM {name if name in OWN else f'sqlscore.{name}'}")
        relation.write_parquet(str(path))
        frame = session.read.parquet(str(path))
        for column, kind in frame.dtypes:
            if kind == "timestamp_ntz":
                frame = frame.withColumn(column, functions.col(column).cast("timestamp"))
        frame.createOrReplaceTempView(name)
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.parametrize("query", [*CALLS, *EDGES, *QUERIES])
def test_rows_are_the_same(shop: duckdb.DuckDBPyConnection, spark: Any, query: str) -> None:
    expected = shop.execute(query).fetchall()
    found = in_utc(spark.sql(sqlscore.transpile(shop, query)))
    assert expected or query.endswith(EMPTY)
    assert same_rows(expected, found)


ZONED = (
    "SELECT * FROM sqlscore.sessions",
    "SELECT hour(event_time) AS h, dayofweek(event_time) AS d, count(*) AS n FROM e GROUP BY ALL",
    "SELECT t FROM times WHERE hour(t) = 2",  # no row in New York, where that hour was left out
    "SELECT date_trunc('day', event_time) AS day, CAST(min(event_time) AS DATE) AS date FROM e GROUP BY 1",
)


@pytest.mark.slow
@pytest.mark.parametrize("query", ZONED)
def test_another_zone_is_refused(shop: duckdb.DuckDBPyConnection, spark: Any, query: str) -> None:
    """By the session that asks, and of a view by the session that made it: its times are cut in that one's zone."""
    text = sqlscore.transpile(shop, query)
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        with pytest.raises(Exception, match="SET TIME ZONE UTC"):
            spark.sql(text).collect()
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_in_new_york AS {text}")
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        with pytest.raises(Exception, match="SET TIME ZONE UTC"):
            spark.sql("SELECT * FROM made_in_new_york").collect()
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_in_utc AS {text}")
        spark.conf.set("spark.sql.session.timeZone", "America/New_York")
        found = in_utc(spark.sql("SELECT * FROM made_in_utc"))
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert same_rows(shop.execute(query).fetchall(), found)


def in_utc(frame: Any) -> list[tuple[Any, ...]]:
    """The rows by way of Arrow, whose times are in UTC."""
    return [tuple(row.values()) for row in frame.toArrow().to_pylist()]
