"""Whatever the events are, Spark gives the scores that DuckDB gives: many users at random in each job."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from small_shop import gru_artifact
from spark_here import require_spark, spark_session
from spark_scores import assert_same_scores, same

import sqlscore
from sqlscore.database.registry import register as store
from sqlscore.spark import register, score

require_spark()

START, AS_OF = dt.datetime(2024, 1, 1), "2024-03-01"
SCHEMA = pa.schema(
    [("who", pa.string()), ("moment", pa.timestamp("us")), ("what", pa.string()), ("price", pa.float64())]
)
GAPS = st.sampled_from(
    [0, 0, 1, 999_999, 60_000_000, 1_800_000_000, 1_800_000_001, 86_400_000_000, 20 * 86_400_000_000]
)
"""µs from one event to the next: ties, one microsecond, the border of a session, weeks."""
EVENT = st.tuples(
    GAPS | st.none(),
    st.sampled_from(["view", "cart", "buy", "View", "straße", "ﬁn", "日本", "a\tb", "", " view"]) | st.none(),
    st.none() | st.sampled_from([0.0, -0.0, 1.5, -1e300, 1e-310, math.inf, math.nan]),
)
USERS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4), st.lists(EVENT, max_size=7)),
    min_size=8,
    max_size=24,
    unique_by=lambda user: user[0],
)
QUERY = """SELECT who, score_events({}), churn_risk({}) FROM {} WHERE who IS NOT NULL GROUP BY who ORDER BY who"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection whose table `visits` the examples fill, and a copy of its file, which Spark reads."""
    path = tmp_path_factory.mktemp("any") / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE visits (who VARCHAR, moment TIMESTAMP, what VARCHAR, price DOUBLE)")
        con.execute("INSERT INTO visits VALUES ('u', '2024-01-01', 'view', 1)")
        sqlscore.map_events(con, "visits", user_id="who", event_time="moment", event_type="what", features=["price"])
        con.execute("DELETE FROM sqlscore.guards")  # each example differs from the one before in everything
        store(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    shutil.copy(path, path.with_name("copy.duckdb"))
    with sqlscore.connect(path) as con:
        yield con, path.with_name("copy.duckdb")


@pytest.fixture(scope="module")
def spark(shop: tuple[duckdb.DuckDBPyConnection, Path]) -> Iterator[Any]:
    with spark_session() as session:
        register(session, shop[1])
        yield session


@pytest.mark.slow
@settings(max_examples=3, phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # an example takes seconds
@given(users=USERS)
def test_any_events_have_the_same_scores(
    shop: tuple[duckdb.DuckDBPyConnection, Path],
    spark: Any,
    tmp_path_factory: pytest.TempPathFactory,
    users: list[tuple[str, list[tuple[int | None, str | None, float | None]]]],
) -> None:
    """By the functions on lists, and in bulk: one session, some jobs for each example of many users."""
    rows = [row for who, events in users for row in rows_of(who, events)]
    assume(any(at is not None and what is not None for _, at, what, _ in rows))
    con, file = shop
    folder = tmp_path_factory.mktemp("example")
    con.execute("DELETE FROM visits")
    con.register("made", pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA))
    con.execute("INSERT INTO visits FROM made")
    con.table("visits").write_parquet(str(folder / "visits.parquet"))

    as_of = f"as_of := TIMESTAMP '{AS_OF}'"
    expected = con.execute(QUERY.format(f"v, {as_of}", f"v, {as_of}", "visits v")).fetchall()
    spark.read.parquet(str(folder / "visits.parquet")).createOrReplaceTempView("visits")
    lists = "(SELECT who, collect_list(struct(*)) AS l FROM visits GROUP BY who)"
    as_of = f"as_of => TIMESTAMP '{AS_OF} 00:00:00'"
    calls = f"SELECT who, score_events(l, {as_of}), churn_risk(l, {as_of}) FROM {lists} WHERE who IS NOT NULL"
    found = sorted((tuple(row.values()) for row in spark.sql(calls).toArrow().to_pylist()), key=lambda row: row[0])
    assert len(found) == len(expected)
    assert all(same(one, other) for one, other in zip(sorted(expected, key=lambda row: row[0]), found, strict=True))

    sqlscore.refresh(con, full=True, accept=True)
    score(spark, file, str(folder / "visits.parquet"), str(folder / "out"))
    assert_same_scores(con, folder / "out")


def rows_of(
    who: str, events: list[tuple[int | None, str | None, float | None]]
) -> Iterator[tuple[str | None, dt.datetime | None, str | None, float | None]]:
    """The rows of a user, newest first; without a gap the event has no time, and users called ? have no name."""
    clock, rows = 0, []
    for gap, what, price in events:
        clock += gap or 0
        at = None if gap is None else START + dt.timedelta(microseconds=clock)
        rows.append((None if who == "?" else who, at, what, price))
    yield from reversed(rows)
