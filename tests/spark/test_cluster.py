"""A standalone master with two workers on loopback: the scores are DuckDB's, also if a worker dies in the middle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dying_worker import MARK, Dying
from small_shop import gru_artifact
from spark_here import cluster, require_spark, spark_session
from spark_scores import assert_same_scores

import sqlscore
from sqlscore.database.registry import register
from sqlscore.spark import bulk

require_spark()

USERS = int(os.environ.get("SQLSCORE_SPARK_USERS", "20000"))
"""docs/spark.md says what 200,000 gave."""

EVENTS = """CREATE TABLE e AS SELECT hash(i) % ? AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(CAST(hash(i + 1) % 7776000 AS BIGINT)) AS event_time,
    CASE WHEN i % 50 = 0 THEN 'new' ELSE (['view', 'view', 'cart', 'buy'])[CAST(1 + hash(i + 2) % 4 AS BIGINT)] END
        AS event_type,
    CASE WHEN i % 11 > 0 THEN hash(i + 3) % 100 / 7 END AS price FROM range(?) t(i)"""


@pytest.mark.slow
def test_a_worker_that_dies_changes_no_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster loses machines; what they had done is done again, and nothing is there twice or not at all."""
    with sqlscore.connect(tmp_path / "shop.duckdb") as con:
        con.execute(EVENTS, [USERS, 5 * USERS])
        con.execute("ALTER TABLE e ALTER user_id TYPE BIGINT")
        sqlscore.map_events(con, "e", features=["price"])
        register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
        con.table("e").write_parquet(str(tmp_path / "e.parquet"))
    mark = tmp_path / "died"
    monkeypatch.setattr(bulk, "Scoring", Dying)
    (tmp_path / "cluster").mkdir()
    settings = {"spark.executor.memory": "512m", "spark.executor.cores": "1", f"spark.executorEnv.{MARK}": str(mark)}
    with cluster(tmp_path / "cluster") as master, spark_session(master, **settings) as spark:
        report = bulk.score(
            spark, tmp_path / "shop.duckdb", str(tmp_path / "e.parquet"), str(tmp_path / "out"), partitions=12
        )
    assert mark.exists()  # a worker did die
    with sqlscore.connect(tmp_path / "shop.duckdb") as con:
        assert report.tables["scored_users"] > 0.9 * USERS
        assert_same_scores(con, tmp_path / "out")
