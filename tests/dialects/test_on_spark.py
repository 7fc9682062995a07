"""The shipped views, row by row, on DuckDB and on Spark: needs PySpark 4.3 and Java 17 (the extra spark)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

pyspark = pytest.importorskip("pyspark", reason="pip install 'sqlscore[spark]' brings PySpark")

EVENTS = """CREATE TABLE e AS SELECT 'u' || (i % 300) AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(i * 7919 * (1 + i % 13) % 7776000) + to_microseconds(i) AS event_time,
    (['view', 'view', 'cart', 'cart', 'buy'])[1 + (i * 31 + i // 7) % 5] AS event_type,
    CASE WHEN i % 11 > 0 THEN (i % 17) * 1.5::DOUBLE END AS price FROM range(6000) t(i)"""
CALLS = (
    "sessions", "session_events", "session_stats", "event_sequences", "transitions", "action_stats", "feature_usage",
    "cohort_retention", "lifecycle", "scored_segments", "segment_summary", "churn_labels_inactivity()",
    "churn_labels_first_touch()", "churn_labels_first_touch(horizon := INTERVAL 7 DAY)", "churn_labels_lapsed()",
    "session_stats_with(period := 'week')", "lifecycle_with(period := 'month')", "rfm()", "paths()",
    "cohort_retention_with(period := 'week')", "rfm(value := price, as_of := '2024-02-01')",
    "feature_prospects('return')", "drift('sqlscore.events', 'sqlscore.events')",
    "drift_bins('sqlscore.events', 'sqlscore.events')",
)  # fmt: skip
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
    "SELECT date_trunc('week', event_time) AS w, quantile_cont(price, 0.9) AS q, median(price) AS m FROM e GROUP BY 1",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(tmp_path_factory.mktemp("spark") / "shop.duckdb") as con:
        con.execute(EVENTS)
        sqlscore.map_events(con, "e", features=["price"])
        register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
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
    for name in ("events", "scored_users", "e"):
        path = folder / f"{name}.parquet"
        relation = shop.table("e") if name == "e" else shop.sql(f"FROM sqlscore.{name}")
        relation.write_parquet(str(path))
        frame = session.read.parquet(str(path))
        for column, kind in frame.dtypes:
            if kind == "timestamp_ntz":
                frame = frame.withColumn(column, functions.col(column).cast("timestamp"))
        frame.createOrReplaceTempView(name)
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.parametrize("query", [*(f"SELECT * FROM sqlscore.{call}" for call in CALLS), *QUERIES])
def test_rows_are_the_same(shop: duckdb.DuckDBPyConnection, spark: Any, query: str) -> None:
    expected = sorted((plain(row) for row in shop.execute(query).fetchall()), key=repr)
    # as text, since Python moves Spark's times to the zone of the machine
    frame = spark.sql(sqlscore.transpile(shop, query))
    found = sorted((plain(row) for row in in_utc(frame)), key=repr)
    assert len(found) == len(expected) > 0
    assert all(same(one, other) for one, other in zip(expected, found, strict=True))


@pytest.mark.slow
def test_another_zone_is_refused(shop: duckdb.DuckDBPyConnection, spark: Any) -> None:
    query = sqlscore.transpile(shop, "sqlscore.sessions")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        with pytest.raises(Exception, match="SET TIME ZONE UTC"):
            spark.sql(query).collect()
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def in_utc(frame: Any) -> list[tuple[Any, ...]]:
    """The rows by way of Arrow, whose times are in UTC."""
    return [tuple(row.values()) for row in frame.toArrow().to_pylist()]


def plain(value: Any) -> Any:
    """A value without the ways in which the engines spell it; floats to nine digits."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(one) for one in value)
    if isinstance(value, dict):
        return tuple(plain(one) for one in value.values())
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(f"{float(value):.9g}")
    return value


def same(one: Any, other: Any) -> bool:
    """Equal, or floats that differ by rounding."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-8, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
