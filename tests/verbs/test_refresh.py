"""Refresh: bulk equals ad hoc, readers see whole tables, failures change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import MappingError
from sqlscore.score_tables import changes
from sqlscore.verbs import refresh as materialization

DIFFERENT = """
    SELECT count(*) FROM sqlscore.{0} a FULL JOIN sqlscore.live_{0} b USING ({1})
    WHERE a.next_action IS DISTINCT FROM b.next_action OR abs(a.churn_risk - b.churn_risk) > 1e-5
       OR abs(a.next_action_probability - b.next_action_probability) > 1e-5
       OR abs(a.seconds_to_next_action - b.seconds_to_next_action) > 1e-5
       OR a.n_events IS DISTINCT FROM b.n_events OR a.as_of IS DISTINCT FROM b.as_of OR a.model <> b.model
       OR a.churn_risk IS NULL OR b.churn_risk IS NULL"""


def test_bulk_equals_ad_hoc_on_every_row(shop: duckdb.DuckDBPyConnection) -> None:
    report = sqlscore.refresh(shop)
    assert report.tables == {"scored_users": 40, "scored_sessions": 200}
    assert shop.execute(DIFFERENT.format("scored_users", "user_id")).fetchall() == [(0,)]
    assert shop.execute(DIFFERENT.format("scored_sessions", "user_id, session_id")).fetchall() == [(0,)]


SUMMARY = "SELECT * EXCLUDE (scored_at) FROM sqlscore.segment_summary ORDER BY ALL"


def test_views_over_the_scores_read_the_same_before_and_after(shop: duckdb.DuckDBPyConnection) -> None:
    before = shop.execute(SUMMARY).fetchall()
    sqlscore.refresh(shop)
    assert shop.execute(SUMMARY).fetchall() == before
    assert before


def test_comments_survive_the_swap(shop: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'sqlscore'
               AND table_name IN ('scored_users', 'scored_sessions') ORDER BY ALL"""
    before = shop.execute(query).fetchall()
    for _ in range(2):
        sqlscore.refresh(shop)
        assert shop.execute(query).fetchall() == before
    assert all(comment for _, comment in before)


def test_provenance_stands_in_every_row(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    rows = shop.execute("SELECT DISTINCT model, as_of, scored_at IS NULL FROM sqlscore.scored_users").fetchall()
    high_water = shop.execute('SELECT max("when") FROM clicks').fetchall()[0][0]
    assert rows == [("tiny@1", high_water, False)]


def test_a_failed_refresh_leaves_the_old_table(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlscore.refresh(shop)
    old = shop.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall()

    def fail(*_: object) -> int:
        raise RuntimeError("the power went")

    monkeypatch.setattr(materialization, "write_mark", fail)
    with pytest.raises(RuntimeError):
        sqlscore.refresh(shop)
    assert shop.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall() == old
    assert shop.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'next_%'").fetchall() == [(0,)]
    failed = shop.execute("SELECT message FROM sqlscore.runs WHERE status = 'failed'").fetchall()
    assert failed == [("RuntimeError: the power went",)]


def test_an_open_cursor_keeps_the_old_scores(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    reader = shop.cursor()
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall()
    shop.execute("INSERT INTO clicks VALUES (999, TIMESTAMP '2024-01-03', 'view', 0)")
    sqlscore.refresh(shop)
    assert reader.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == before == [(40,)]
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(41,)]
    reader.close()


def test_users_without_usable_events_are_not_scored(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("INSERT INTO clicks VALUES (777, NULL, 'view', 0), (NULL, TIMESTAMP '2024-01-01', 'view', 0)")
    assert sqlscore.refresh(shop).tables["scored_users"] == 40


def test_forget_user_erases_scores_and_says_what_is_left(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    assert sqlscore.forget_user(shop, 7) == {
        "scored_users": 1,
        "scored_sessions": 5,
        "user_states": 1,
        "events_left": 5,
    }
    assert shop.execute("SELECT count(*) FROM sqlscore.scored_users WHERE user_id = 7").fetchall() == [(0,)]
    with pytest.raises(sqlscore.SqlscoreError, match="'seven' is not a value of column \"client id\""):
        sqlscore.forget_user(shop, "seven")


def test_status_and_refresh_say_that_the_events_are_gone(shop: duckdb.DuckDBPyConnection) -> None:
    """status is asked when something is wrong: it must not fail on it."""
    sqlscore.refresh(shop)
    shop.execute("ALTER TABLE clicks RENAME TO visits")
    found = sqlscore.status(shop)
    assert found.mappings[0].champion == "tiny@1"
    assert "clicks" in found.problems[0].what
    assert found.problems[0].command.startswith("sqlscore init")
    with pytest.raises(MappingError, match="(?s)cannot be read.*map them again"):
        sqlscore.refresh(shop)


@pytest.mark.parametrize(
    "change",
    ["INSERT INTO clicks VALUES (1, TIMESTAMP '2023-01-01', 'view', 0)", 'DELETE FROM clicks WHERE "client id" = 3'],
)
def test_late_and_deleted_events_make_scores_stale(shop: duckdb.DuckDBPyConnection, change: str) -> None:
    sqlscore.refresh(shop)
    shop.execute(change)
    assert any("its scores rest on 200" in problem.what for problem in sqlscore.status(shop).problems)


def test_status_says_what_is_stale_and_what_mends_it(shop: duckdb.DuckDBPyConnection) -> None:
    def problems() -> list[str]:
        return [problem.what for problem in sqlscore.status(shop).problems]

    assert any("not materialized" in what for what in problems())
    sqlscore.refresh(shop)
    assert not any("scores" in what for what in problems())
    shop.execute("INSERT INTO clicks VALUES (1, TIMESTAMP '2024-03-03', 'view', 0)")
    assert any("1 events" in what and "newer than its scores" in what for what in problems())


def test_events_that_arrive_during_a_refresh_wait_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No snapshot covers a folder of files: one that appears in the middle once made the refresh fail."""

    def arrive(day: int, users: str) -> None:
        events = f"SELECT {users} AS user_id, TIMESTAMP '2024-01-0{day}' AS event_time, 'view' AS event_type"
        duckdb.sql(f"{events} FROM range(10) t(i)").write_parquet(str(tmp_path / f"{day}.parquet"))

    arrive(1, "i")
    with sqlscore.connect() as con:
        sqlscore.map_events(con, str(tmp_path / "*.parquet"))
        register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)

        def find_changes(*arguments: Any) -> Any:
            arrive(3, "i + 2")
            found = changes.find_changes(*arguments)
            arrive(4, "i + 5")
            return found

        arrive(2, "i % 2")
        monkeypatch.setattr(materialization, "find_changes", find_changes)
        report = sqlscore.refresh(con)
        assert (str(report.as_of), report.kind, report.tables["scored_users"]) == (
            "2024-01-02 00:00:00",
            "incremental",
            10,
        )
        monkeypatch.undo()
        report = sqlscore.refresh(con)
        assert (str(report.as_of), report.tables["scored_users"]) == ("2024-01-04 00:00:00", 15)
        assert con.execute(DIFFERENT.format("scored_users", "user_id")).fetchall() == [(0,)]


def test_a_refresh_that_is_broken_off_says_why(shop: duckdb.DuckDBPyConnection) -> None:
    """The scan that was open once made the end of its transaction fail, and that error took the reason's place."""

    class Stop:
        def start(self, description: str, total: float | None) -> None: ...

        def advance(self, amount: float) -> None:
            raise RuntimeError("broken off")

        def finish(self) -> None: ...

    shop.execute("INSERT INTO clicks SELECT i, TIMESTAMP '2024-01-03', 'view', 0 FROM range(30000) t(i)")
    with pytest.raises(RuntimeError, match="broken off"):
        sqlscore.refresh(shop, progress=Stop())
    assert sqlscore.refresh(shop).tables["scored_users"] == 30_000


def test_users_lapse_as_the_moment_moves_on(shop: duckdb.DuckDBPyConnection) -> None:
    """Nobody's events changed but one user's: the others grow silent, and leave the lookback."""
    artifact = tiny_artifact(numeric=("price",), lookback=10 * 86400)
    register(shop, artifact, name="tiny", mapping="events", champion=True, verb="train")
    query = """SELECT count(*) FILTER (is_active), count(*) FILTER (NOT is_active),
                    count(*) FILTER (is_active IS DISTINCT FROM (last_event_time > as_of - INTERVAL 10 DAY)),
                    count(*) FILTER (days_silent <> (epoch_us(as_of) - epoch_us(last_event_time)) / 864e8)
                FROM sqlscore.{}"""
    expected = """SELECT risk_band = 'lapsed', sum(expected_churners) FROM sqlscore.segment_summary
                  GROUP BY ALL ORDER BY 1"""
    sqlscore.refresh(shop)
    assert shop.execute(query.format("scored_users")).fetchall() == [(40, 0, 0, 0)]
    shop.execute('UPDATE clicks SET "when" = "when" + INTERVAL 40 DAY WHERE "client id" = 3')
    for report in (sqlscore.refresh(shop), sqlscore.refresh(shop, full=True)):
        for table in ("scored_users", "live_scored_users", "scored_segments"):
            assert shop.execute(query.format(table)).fetchall() == [(1, 39, 0, 0)], report.kind
        (here, active), (lapsed, none) = shop.execute(expected).fetchall()
        assert (here, lapsed, none) == (False, True, 0)
        assert 0 < active < 1


@pytest.mark.parametrize(
    "change",
    [
        'CREATE TABLE n AS SELECT * REPLACE (epoch_ms("when") AS "when") FROM clicks; DROP TABLE clicks; '
        "ALTER TABLE n RENAME TO clicks",
        'ALTER TABLE clicks RENAME COLUMN "when" TO happened_at',
        "DROP TABLE clicks",
    ],
)
def test_events_that_cannot_be_read_leave_the_rest_of_the_status(shop: duckdb.DuckDBPyConnection, change: str) -> None:
    """The scores are there: only the events are a problem, and the remedy is to map them again."""
    sqlscore.refresh(shop)
    shop.execute(change)
    found = sqlscore.status(shop)
    assert [problem.command.split()[1] for problem in found.problems] == ["init"]
    state = found.mappings[0]
    assert (state.champion, state.scored_users, state.scored_by, state.readable) == ("tiny@1", 40, "tiny@1", False)
    with pytest.raises(sqlscore.SqlscoreError, match="map (them|the events) again"):
        sqlscore.refresh(shop)
