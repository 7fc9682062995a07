"""Scores in bulk on Spark are those of a full refresh, and stand there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_shop import gru_artifact
from spark_here import require_spark, spark_session
from spark_scores import assert_same_scores
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, ModelError, SparkError
from sqlscore.spark import score
from sqlscore.spark.bulk import default_partitions

require_spark()

EVENTS = """CREATE TABLE visits AS SELECT i % 60 AS customer, CAST(1704067200 + hash(i) % 7776000 AS BIGINT) AS second,
    (['view', 'view', 'cart', 'buy'])[CAST(1 + hash(i + 2) % 4 AS BIGINT)] AS what, i // 120 AS id,
    CASE WHEN i % 11 > 0 THEN hash(i + 3) % 100 / 7 END AS price, (['de', 'fr'])[1 + i % 2] AS site
    FROM range(1200) t(i)"""
COLUMNS: dict[str, Any] = {"user_id": "customer", "event_time": "second", "event_type": "what", "time_unit": "s"}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with spark_session() as session:
        yield session


@pytest.fixture
def shop(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Events with columns of other names, times in seconds and rows without user, action or time; also as Parquet."""
    con.execute(EVENTS)
    con.execute("INSERT INTO visits VALUES (NULL, 1704067200, 'view', 0, 1, 'de'), (1, 1704067200, NULL, 0, 1, 'de')")
    con.execute("INSERT INTO visits VALUES (1, NULL, 'view', 0, 1, 'de')")
    con.table("visits").write_parquet(str(tmp_path / "all.parquet"))
    con.sql("FROM visits WHERE second < 1709251200").write_parquet(str(tmp_path / "older.parquet"))
    con.sql("FROM visits WHERE second >= 1709251200").write_parquet(str(tmp_path / "newer.parquet"))
    return con


def file_of(con: duckdb.DuckDBPyConnection) -> Path:
    return Path(
        con.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()").fetchall()[0][0]
    )


def with_model(con: duckdb.DuckDBPyConnection, data: bytes | None = None, **mapping: Any) -> Path:
    """Map the events, register a model, refresh, and give the file, closed."""
    sqlscore.map_events(con, "visits", features=["price"], **COLUMNS, **mapping)
    register(con, data or gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    path = file_of(con)
    con.close()
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "mapping",
    [{"event_id": ["id"], "exclude_types": ["cart"]}, {"group": "site"}],
    ids=["ids", "groups"],
)
def test_scores_are_those_of_a_refresh(shop, spark, tmp_path, mapping):
    """Whatever the mapping says of events is said by the same SQL on both engines."""
    path = with_model(shop, **mapping)
    report = score(spark, path, [str(tmp_path / "all.parquet")], str(tmp_path / "out"), partitions=3)
    with sqlscore.connect(path) as con:
        assert_same_scores(con, tmp_path / "out")
        assert report.as_of == con.execute("SELECT max(as_of) FROM sqlscore.scored_users").fetchall()[0][0]
    note = json.loads((tmp_path / "out" / "_sqlscore.json").read_text())
    assert (note["model"], note["tables"], note["sha256"]) == ("m@1", report.tables, report.sha256)


@pytest.mark.slow
def test_one_machine_has_few_partitions_unless_more_are_asked_for(spark: Any) -> None:
    """Spark's own 200 would cost minutes for any few events."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    try:
        for asked, given in {200: 6, 199: 199, 2: 2}.items():  # local[2]
            spark.conf.set("spark.sql.shuffle.partitions", asked)
            assert default_partitions(spark) == given
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


@pytest.mark.slow
def test_states_go_on_with_newer_events_alone(shop, spark, tmp_path):
    """The scores are those of all events, though the second run has read a third of them."""
    path = with_model(shop)
    older, newer, first, second = (str(tmp_path / name) for name in ("older.parquet", "newer.parquet", "one", "two"))
    score(spark, path, older, first, keep_states=True)
    report = score(spark, path, newer, second, after=first, keep_states=True)
    with sqlscore.connect(path) as con:
        assert_same_scores(con, Path(second), before=Path(first))
    assert report.tables["user_states"] == report.tables["scored_users"]
    with pytest.raises(EventsError, match="has an event at .* has seen all events up to .*score all events once more"):
        score(spark, path, [older, newer], str(tmp_path / "three"), after=first)
    with pytest.raises(SparkError, match="its states have seen events up to then"):
        score(spark, path, newer, str(tmp_path / "three"), after=second, as_of="2024-01-02")
    note = json.loads((tmp_path / "one" / "_sqlscore.json").read_text())
    del note["tables"]["user_states"]  # as of a run that did not keep them
    (tmp_path / "one" / "_sqlscore.json").write_text(json.dumps(note))
    (tmp_path / "one" / "._sqlscore.json.crc").unlink()
    with pytest.raises(SparkError, match="holds no states to go on from.*--keep-states"):
        score(spark, path, newer, str(tmp_path / "three"), after=first)
    assert not (tmp_path / "three").exists()


@pytest.mark.slow
def test_the_events_of_the_view_are_understood(shop, spark, tmp_path):
    """What DuckDB exports of sqlscore.events has canonical names, times as TIMESTAMP, and each event once."""
    sqlscore.map_events(shop, "visits", features=["price"], event_id=["id"], **COLUMNS)
    shop.sql("FROM sqlscore.events").write_parquet(str(tmp_path / "view.parquet"))
    path = with_model(shop, event_id=["id"])
    score(spark, path, str(tmp_path / "view.parquet"), str(tmp_path / "out"))
    with sqlscore.connect(path) as con:
        assert_same_scores(con, tmp_path / "out")


@pytest.mark.slow
def test_a_run_that_fails_leaves_what_was_there(shop, spark, tmp_path, monkeypatch):
    """A reader of yesterday's scores keeps them until today's are whole."""
    path, out = with_model(shop, tiny_artifact(numeric=("price",), fold=False)), tmp_path / "out"
    events = str(tmp_path / "all.parquet")
    score(spark, path, events, str(out))
    before = (out / "_sqlscore.json").read_text()
    with pytest.raises(SparkError, match="is there already.*--replace"):
        score(spark, path, events, str(out))
    with pytest.raises(ModelError, match="m@1 .tiny. is not a fold"):
        score(spark, path, events, str(tmp_path / "kept"), keep_states=True)
    with pytest.raises(EventsError, match='events column "customer" is missing'):
        score(spark, path, spark.range(3), str(out), replace=True)
    broken = spark.read.parquet(events).selectExpr("customer", "second", "what", "raise_error('lost disk') AS price")
    with pytest.raises(SparkError, match="lost disk"):
        score(spark, path, broken, str(out), replace=True, as_of="2024-03-01")
    assert (out / "_sqlscore.json").read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == ["out"]
    report = score(spark, path, events, str(out), replace=True, as_of="2024-03-01")
    assert json.loads((out / "_sqlscore.json").read_text())["as_of"] == str(report.as_of) == "2024-03-01 00:00:00"
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == ["out"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(SparkError, match="sqlscore did not write it"):
        score(spark, path, events, str(tmp_path / "mine"), replace=True)
