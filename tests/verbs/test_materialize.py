"""Tables of the user's own: bulk scores of any events, and a score after every event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_shop import gru_artifact, open_shop
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.database.scan import EVENTS_PER_BATCH, Users, scan
from sqlscore.errors import MappingError, ModelError
from sqlscore.score_tables import own_tables

UNEQUAL = """SELECT count(*) FROM made m FULL JOIN expected x USING ({keys})
    WHERE m.next_action IS DISTINCT FROM x.s.next_action OR m.n_events IS DISTINCT FROM x.s.n_events
       OR NOT abs(m.churn_risk - x.s.churn_risk) < 1e-5
       OR NOT abs(m.next_action_probability - x.s.next_action_probability) < 1e-5
       OR NOT abs(m.seconds_to_next_action - x.s.seconds_to_next_action) <= 1e-4 * (1 + x.s.seconds_to_next_action)
       OR m.unknown_action_rate IS DISTINCT FROM x.s.unknown_action_rate OR m.as_of IS DISTINCT FROM x.s.as_of"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = open_shop()
    con.execute(
        "INSERT INTO e VALUES (9, TIMESTAMP '2024-01-01', 'view', NULL), (NULL, TIMESTAMP '2024-01-01', 'view', 1)"
    )
    yield con
    con.close()


def test_history_equals_the_window_query_row_by_row(con: duckdb.DuckDBPyConnection) -> None:
    assert sqlscore.score_history(con, into="made").rows == 41
    con.execute(
        """CREATE TABLE expected AS SELECT user_id, event_time, score_events(e, as_of := e.event_time) OVER (
               PARTITION BY user_id ORDER BY event_time ROWS UNBOUNDED PRECEDING) AS s
           FROM e WHERE user_id IS NOT NULL"""
    )
    assert con.execute(UNEQUAL.format(keys="user_id, event_time")).fetchall() == [(0,)]


@pytest.mark.parametrize("source", ["e", "SELECT * FROM e WHERE user_id < 3", "file"])
def test_materialize_equals_the_function(con: duckdb.DuckDBPyConnection, source: str, tmp_path: Path) -> None:
    if source == "file":
        source = str(tmp_path / "events.parquet")
        con.execute(f"COPY e TO '{source}'")
    made = sqlscore.materialize(con, source, into="made", as_of="2024-02-01")
    relation = f"({source})" if source.startswith("SELECT") else f"'{source}'" if "/" in source else source
    con.execute(
        f"CREATE TABLE expected AS SELECT user_id, score_events(x, as_of := '2024-02-01') AS s FROM {relation} x "
        "WHERE user_id IS NOT NULL GROUP BY user_id"
    )
    assert con.execute("SELECT count(*) FROM made").fetchall() == [(made.rows,)]
    assert con.execute(UNEQUAL.format(keys="user_id")).fetchall() == [(0,)]


def test_default_as_of_is_the_newest_of_these_events(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.materialize(con, "SELECT * FROM e WHERE event_time < '2024-01-01 02:00:00'", into="made")
    newest = con.execute("SELECT max(event_time) FROM e WHERE event_time < '2024-01-01 02:00:00'").fetchall()[0][0]
    assert con.execute("SELECT DISTINCT as_of FROM made").fetchall() == [(newest,)]
    assert newest < dt.datetime(2024, 1, 1, 2)


def test_the_table_is_replaced_whole_or_not_at_all(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.materialize(con, "e", into="made")
    with pytest.raises(MappingError, match="no usable event"):
        sqlscore.materialize(con, "SELECT * FROM e WHERE false", into="made")
    with pytest.raises(MappingError, match='no column "price"'):
        sqlscore.materialize(con, "SELECT user_id, event_time, event_type FROM e", into="made")
    with pytest.raises(MappingError, match="cannot be read"):
        sqlscore.materialize(con, "SELECT nothing FROM e", into="made")
    assert con.execute("SELECT count(*) FROM made").fetchall() == [(6,)]


def test_history_needs_a_causal_model(con: duckdb.DuckDBPyConnection) -> None:
    data = tiny_artifact(numeric=("price",), max_events=3)
    register(con, data, name="window", mapping="events", champion=False, verb="train")
    with pytest.raises(ModelError, match="window@1 .tiny. reads a window"):
        sqlscore.score_history(con, model="window@1")


def test_many_users_in_many_batches(con: duckdb.DuckDBPyConnection) -> None:
    """More events than one batch of the scan holds, with one user that is larger than a batch."""
    con.execute(
        "CREATE TABLE big AS SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE i % 3000 END AS user_id, "
        "TIMESTAMP '2024-01-01' + to_seconds(i) AS event_time, 'view' AS event_type, 1.0 AS price "
        "FROM range(60000) t(i)"
    )
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    assert sqlscore.materialize(con, "big", into="made").rows == 1501
    con.execute(
        "CREATE TABLE expected AS SELECT user_id, score_events(x, as_of := TIMESTAMP '2024-01-01 16:39:59') AS s "
        "FROM big x GROUP BY user_id"
    )
    assert con.execute("SELECT max(n_events) FROM made").fetchall() == [(30_000,)]
    assert con.execute(UNEQUAL.format(keys="user_id")).fetchall() == [(0,)]


@pytest.mark.slow
def test_files_larger_than_memory_are_scored_within_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hive-partitioned, every user in all files: the engine sorts on disk, and Python holds batches alone."""
    sizes: list[int] = []

    def noting(*arguments: Any, **options: Any) -> Iterator[Users]:
        for users in scan(*arguments, **options):
            sizes.append(int(users.sequences.offsets[-1]))
            yield users

    monkeypatch.setattr(own_tables, "scan", noting)
    with duckdb.connect() as plain:
        plain.execute(
            f"""COPY (SELECT hash(i) % 30000 AS user_id, TIMESTAMP '2024-01-01' + to_seconds(i * 11) AS event_time,
                          (['view', 'cart', 'buy'])[(1 + hash(i + 1) % 3)::INT] AS event_type, random() AS price,
                          month(event_time) AS month
                      FROM range(500000) t(i)) TO '{tmp_path / "log"}' (FORMAT parquet, PARTITION_BY (month))"""
        )
    files = str(tmp_path / "log" / "*" / "*.parquet")
    with sqlscore.connect(tmp_path / "scores.duckdb", memory_limit="48MB", threads=1) as con:
        sqlscore.map_events(con, files, features=["price"])
        register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
        assert sqlscore.materialize(con, files, into="made").rows == 30_000
        assert con.execute("SELECT sum(n_events) FROM made").fetchall() == [(500_000,)]
    assert sum(sizes) == 500_000
    assert max(sizes) <= EVENTS_PER_BATCH + 100
