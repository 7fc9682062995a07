"""Users are scored in the transaction that inserts their events, and a refresh says what a full one says."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import InstallError, MappingError

STORED = """SELECT user_id, n_events, next_action, next_action_probability, churn_risk, model, as_of
    FROM sqlscore.scored_users ORDER BY user_id"""
LIVE = STORED.replace("scored_users", "live_scored_users")


def scoring(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    con = open_shop(path)
    sqlscore.refresh(con)
    sqlscore.watch(con, score=True, yes=True)
    sqlscore.refresh(con)
    return con


def test_scores_are_those_of_a_query_as_soon_as_events_are_in() -> None:
    con = scoring()
    con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1), (33, TIMESTAMP '2024-01-03', 'buy', 1)")
    touched = "WHERE user_id IN (3, 33) ORDER"
    live = con.execute(LIVE.replace("ORDER", touched)).fetchall()
    assert len(live) == 2
    assert con.execute(STORED.replace("ORDER", touched)).fetchall() == live
    assert not [p for p in sqlscore.status(con, check=True).problems if "somebody" in p.what or "whole" in p.what]
    sqlscore.refresh(con)
    assert_equal_to_full(con)


def _copied(con: duckdb.DuckDBPyConnection, rows: pa.Table, folder: Path) -> None:
    con.register("rows", rows)
    con.execute(f"COPY rows TO '{folder}/new.parquet'; COPY e FROM '{folder}/new.parquet'")


def _appended(con: duckdb.DuckDBPyConnection, rows: pa.Table, _: Path) -> None:
    con.append("e", rows.to_pandas())


def _one_by_one(con: duckdb.DuckDBPyConnection, rows: pa.Table, _: Path) -> None:
    con.executemany("INSERT INTO e VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in rows.to_pylist()])


def _returned(con: duckdb.DuckDBPyConnection, rows: pa.Table, _: Path) -> None:
    con.register("rows", rows)
    found = con.execute("INSERT INTO e FROM rows RETURNING user_id, price").fetchall()
    assert found == [(3, 1.0), (3, 2.0), (3, 3.0)]


@pytest.mark.parametrize("insert", [_copied, _appended, _one_by_one, _returned])
def test_whatever_inserts_is_scored(
    insert: Callable[[duckdb.DuckDBPyConnection, pa.Table, Path], None], tmp_path: Path
) -> None:
    """The user that it touches as a query scores her then, the others as before; a refresh says the same."""
    con = scoring()
    others = con.execute(STORED.replace("ORDER", "WHERE user_id <> 3 ORDER")).fetchall()
    rows = con.sql(
        """SELECT 3::BIGINT AS user_id, TIMESTAMP '2024-01-03' + to_hours(unnest([0, 2, 1])) AS event_time,
           unnest(['buy', 'cart', 'view']) AS event_type, unnest([1.0, 2.0, 3.0])::DOUBLE AS price"""
    ).to_arrow_table()
    insert(con, rows, tmp_path)
    live = con.execute(LIVE.replace("ORDER", "WHERE user_id = 3 ORDER")).fetchall()
    assert live[0][:2] == (3, 11)
    assert con.execute(STORED.replace("ORDER", "WHERE user_id = 3 ORDER")).fetchall() == live
    assert con.execute(STORED.replace("ORDER", "WHERE user_id <> 3 ORDER")).fetchall() == others
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)


_DYING = """
import os, signal, sys, sqlscore
from sqlscore.scoring.artifact import Artifact
con = sqlscore.connect(sys.argv[1])
event = "INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1)"
con.execute(event)
def dying(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "while it scores":
    Artifact.encode = dying
elif sys.argv[2] == "before it commits":
    con.begin()
con.execute(event)
dying()
"""


@pytest.mark.parametrize(
    ("when", "committed"), [("while it scores", 1), ("before it commits", 1), ("after it committed", 2)]
)
def test_a_killed_insert_leaves_the_scores_of_what_was_committed(tmp_path: Path, when: str, committed: int) -> None:
    path = tmp_path / "shop.duckdb"
    scoring(path).close()
    died = subprocess.run([sys.executable, "-c", _DYING, str(path), when], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with sqlscore.connect(path) as con:
        touched = "WHERE user_id = 3 ORDER"
        live = con.execute(LIVE.replace("ORDER", touched)).fetchall()
        assert live[0][:2] == (3, 8 + committed)
        assert con.execute(STORED.replace("ORDER", touched)).fetchall() == live
        assert sqlscore.refresh(con).kind == "incremental"
        assert_equal_to_full(con)


def test_what_updates_and_deletes_leave_is_said_before() -> None:
    """Only inserted events are scored at once; it is said where --score is asked for, and by the command too."""
    con = open_shop()
    sqlscore.refresh(con)
    said = "scores of users whose events are updated or deleted wait for a refresh"
    assert any(said in hazard for hazard in sqlscore.watch(con, score=True, dry_run=True).hazards)
    assert not any(said in hazard for hazard in sqlscore.watch(con, dry_run=True).hazards)
    sqlscore.watch(con, score=True, yes=True)
    sqlscore.refresh(con)
    before = con.execute(STORED).fetchall()
    con.execute("UPDATE e SET event_type = 'buy' WHERE user_id = 2; DELETE FROM e WHERE user_id = 4 AND price < 20")
    assert con.execute(STORED).fetchall() == before
    sqlscore.refresh(con)
    after = con.execute(STORED).fetchall()
    assert [row[0] for row, old in zip(after, before, strict=True) if row != old] == [2, 4]


def test_scores_roll_back_with_the_transaction() -> None:
    con = scoring()
    before = con.execute(STORED).fetchall()
    con.begin()
    con.execute("INSERT INTO e VALUES (33, TIMESTAMP '2024-01-03', 'buy', 1)")
    assert len(con.execute(STORED).fetchall()) == len(before) + 1
    con.rollback()
    assert con.execute(STORED).fetchall() == before
    assert sqlscore.refresh(con).n_users_encoded == 0


def test_events_that_came_and_went_leave_nothing() -> None:
    """The events are as before, the scores of the trigger are not."""
    con = scoring()
    con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1), (33, TIMESTAMP '2024-01-03', 'buy', 1)")
    con.execute("DELETE FROM e WHERE event_time = TIMESTAMP '2024-01-03'")
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)


def test_a_plain_duckdb_cannot_insert_until_it_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    scoring(path).close()
    event = "INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1)"
    with duckdb.connect(path) as plain, pytest.raises(duckdb.CatalogException, match="open_this_file_with_sqlscore"):
        plain.execute(event)
    with sqlscore.connect(path) as con:
        assert sqlscore.unwatch(con)
    with duckdb.connect(path) as plain:
        plain.execute(event)
    with sqlscore.connect(path) as con:
        sqlscore.refresh(con)
        assert_equal_to_full(con)


def test_others_see_events_and_scores_together_and_one_user_is_written_once() -> None:
    con = scoring()
    other = con.cursor()
    event = "INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1)"
    con.begin()
    con.execute(event)
    seen = "SELECT count(*), (SELECT n_events FROM sqlscore.scored_users WHERE user_id = 3) FROM e WHERE user_id = 3"
    assert con.execute(seen).fetchall() == [(9, 9)]
    assert other.execute(seen).fetchall() == [(8, 8)]
    with pytest.raises(duckdb.TransactionException, match=r"[Cc]onflict"):
        other.execute(event)
    con.commit()
    assert other.execute(seen).fetchall() == [(9, 9)]


def test_new_functions_and_new_tables_keep_the_trigger(tmp_path: Path) -> None:
    """What a trigger reads cannot be replaced while it is there: an upgrade and a full refresh make it anew."""
    path = tmp_path / "shop.duckdb"
    with scoring(path) as con:
        con.execute("UPDATE sqlscore.meta SET value = 'older' WHERE key = 'objects'")
    with sqlscore.connect(path) as con:
        assert con.execute("SELECT value FROM sqlscore.meta WHERE key = 'objects'").fetchall() != [("older",)]
        sqlscore.refresh(con, full=True)
        con.execute("INSERT INTO e VALUES (33, TIMESTAMP '2024-01-03', 'buy', 1)")
        assert con.execute(STORED).fetchall()[-1][:2] == (33, 1)
        sqlscore.unmap(con)
        assert con.execute("FROM duckdb_triggers()").fetchall() == []


def test_a_table_of_another_schema_and_mapping_keeps_its_triggers() -> None:
    con = open_shop()
    con.execute("CREATE SCHEMA raw")
    con.execute('CREATE TABLE raw."my e" AS FROM e')
    sqlscore.map_events(con, "raw.my e", features=["price"], name="second")
    register(con, ARTIFACTS[1], name="n", mapping="second", champion=True, verb="train")
    sqlscore.refresh(con, mapping="second")
    sqlscore.watch(con, score=True, yes=True, mapping="second")
    sqlscore.refresh(con, full=True, mapping="second")
    con.execute("""INSERT INTO raw."my e" VALUES (33, TIMESTAMP '2024-01-03', 'buy', 1)""")
    scored = "SELECT user_id, n_events, model FROM sqlscore_second.scored_users ORDER BY user_id"
    assert con.execute(scored).fetchall()[-1] == (33, 1, "n@1")
    assert sqlscore.refresh(con, mapping="second").kind == "incremental"
    con.execute("INSERT INTO e VALUES (33, TIMESTAMP '2024-01-03', 'buy', 1)")


def test_it_asks_first() -> None:
    con = open_shop()
    with pytest.raises(InstallError, match="without sqlscore cannot insert"):
        sqlscore.watch(con, score=True)
    with pytest.raises(MappingError, match="refresh first"):
        sqlscore.watch(con, score=True, yes=True)
    assert con.execute("FROM duckdb_triggers()").fetchall() == []


step = st.sampled_from(
    [
        "INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1)",
        "INSERT INTO e VALUES (9, TIMESTAMP '2023-12-03', 'view', 1)",
        "INSERT INTO e SELECT user_id + 1, event_time + INTERVAL 1 DAY, event_type, price FROM e WHERE user_id = 9",
        "DELETE FROM e WHERE user_id = 9",
        "DELETE FROM e WHERE event_time >= TIMESTAMP '2024-01-02'",
        "UPDATE e SET price = 7 WHERE user_id = 2",
        "CREATE OR REPLACE TABLE e AS FROM e",
        *("refresh", "full", "watch", "score", "unwatch", "promote"),
    ]
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=2, max_size=8))
@pytest.mark.slow
def test_incremental_equals_full_after_any_changes(script: list[str]) -> None:
    con = scoring()
    for what in script:
        if what in ("refresh", "full"):
            sqlscore.refresh(con, full=what == "full")
        elif what in ("watch", "score"):
            sqlscore.watch(con, score=what == "score", yes=True)
        elif what == "unwatch":
            sqlscore.unwatch(con)
        elif what == "promote":
            register(con, ARTIFACTS[2], name="m", mapping="events", champion=True, verb="train")
        else:
            con.execute(what)
    sqlscore.refresh(con)
    assert_equal_to_full(con)
    con.close()
