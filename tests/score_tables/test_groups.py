"""Where events have groups, each user's scores are as of the newest event of the user's groups."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import USERS, assert_equal_to_full
from small_shop import gru_artifact
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

SITES = ("north", "south", "old", None)

EVENTS = """
    SELECT i % 12 AS user_id,
           (['north', 'south', 'old', NULL])[1 + i % 4] AS site,
           TIMESTAMP '2024-01-01' + to_minutes(CAST(17 * i AS BIGINT))
               - CASE WHEN i % 4 = 2 THEN INTERVAL 730 DAY ELSE INTERVAL 0 DAY END AS event_time,
           (['view', 'cart', 'buy'])[1 + i % 3] AS event_type, CAST(i AS DOUBLE) AS price
    FROM range(96) t(i)"""

NEWEST = """
    WITH groups AS (SELECT site, max(event_time) AS newest FROM e GROUP BY site)
    SELECT e.user_id, max(g.newest) FROM e JOIN groups g ON g.site IS NOT DISTINCT FROM e.site GROUP BY 1 ORDER BY 1"""


def open_sites(path: Path, *, append_only: bool = False, group: str | None = "site") -> duckdb.DuckDBPyConnection:
    con = sqlscore.connect(path)
    con.execute(f"CREATE TABLE e AS {EVENTS}")
    sqlscore.map_events(con, "e", features=["price"], group=group, append_only=append_only)
    con.execute("DELETE FROM sqlscore.guards")
    register(con, gru_artifact(0), name="m", mapping="events", champion=True, verb="train")
    return con


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A file with three sites of which one ended two years ago, and events of none; append-only or not."""
    folder = tmp_path_factory.mktemp("sites")
    files = {True: folder / "appended.duckdb", False: folder / "changed.duckdb"}
    for append_only, path in files.items():
        open_sites(path, append_only=append_only).close()
    return files


@pytest.fixture
def sites(template: dict[bool, Path], tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(shutil.copy(template[False], tmp_path / "sites.duckdb")) as con:
        yield con


def moments(con: duckdb.DuckDBPyConnection) -> list[tuple[int, datetime]]:
    return con.execute("SELECT user_id, as_of FROM sqlscore.scored_users ORDER BY user_id").fetchall()


@pytest.mark.slow
def test_each_user_is_scored_as_of_the_newest_event_of_the_users_groups(sites: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(sites)
    assert moments(sites) == sites.execute(NEWEST).fetchall()
    newest = dict(sites.execute("SELECT part, high_water FROM sqlscore.group_high_water").fetchall())
    assert newest["old"] < newest["north"] - timedelta(days=700)
    assert dict(moments(sites))[2] == newest["old"]


def test_the_ways_of_scoring_agree(sites: duckdb.DuckDBPyConnection) -> None:
    """Row functions, lists of sqlscore.events, live views, materialize and refresh find the same moments and risks."""
    sqlscore.refresh(sites)
    sqlscore.materialize(sites, "e", into="bulk")
    found = [
        sites.execute(query).fetchall()
        for query in (
            "SELECT user_id, as_of, churn_risk FROM sqlscore.scored_users ORDER BY 1",
            "SELECT user_id, as_of, churn_risk FROM sqlscore.live_scored_users ORDER BY 1",
            "SELECT user_id, as_of, churn_risk FROM bulk ORDER BY 1",
            "SELECT user_id, s.as_of, churn FROM (SELECT user_id, score_events(e) AS s, churn_risk(e) AS churn FROM e "
            "GROUP BY user_id) ORDER BY 1",
            "SELECT user_id, s.as_of, churn FROM (SELECT user_id, list_score_events(list(e)) AS s, "
            "list_churn_risk(list(e)) AS churn FROM sqlscore.events e GROUP BY user_id) ORDER BY 1",
            "SELECT DISTINCT user_id, s.as_of, s.churn_risk FROM (SELECT user_id, score_events(e) OVER (PARTITION BY "
            "user_id) AS s FROM e) ORDER BY 1",
        )
    ]
    for rows in found[1:]:
        assert [row[:2] for row in rows] == [row[:2] for row in found[0]]
        assert [row[2] for row in rows] == pytest.approx([row[2] for row in found[0]], abs=1e-5)


def test_an_as_of_that_is_given_holds_for_all(sites: duckdb.DuckDBPyConnection) -> None:
    later = datetime(2025, 1, 1)
    sqlscore.materialize(sites, "e", into="bulk", as_of="2025-01-01")
    assert sites.execute("SELECT DISTINCT as_of FROM bulk").fetchall() == [(later,)]
    given = "SELECT DISTINCT (score_events(e, as_of := TIMESTAMP '2025-01-01')).as_of FROM e GROUP BY user_id"
    assert sites.execute(given).fetchall() == [(later,)]


def test_explanations_and_candidates_have_the_moment_of_the_group(sites: duckdb.DuckDBPyConnection) -> None:
    silent = """SELECT user_id, list_extract(list_filter(r, lambda x: x.action = '(silence)'), 1).event_time
                FROM (SELECT user_id, explain_churn_risk(e, k := NULL) AS r FROM e GROUP BY user_id) ORDER BY 1"""
    expected = dict(sites.execute(NEWEST).fetchall())
    for user, at in sites.execute(silent).fetchall():
        assert at is None or at == expected[user]  # none for a user whose event is the newest
    assert dict(sites.execute(silent).fetchall())[6] == expected[6]
    best = """SELECT best_next_action(e, ['buy']) = best_next_action(e, ['buy'], as_of := TIMESTAMP '{}')
              FROM e WHERE user_id = 2 GROUP BY user_id"""
    assert sites.execute(best.format(expected[2])).fetchall() == [(True,)]


def test_lists_that_do_not_say_their_group_need_an_as_of(sites: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match=r'the group \("site"\).*as_of.*sqlscore\.events'):
        sites.execute("SELECT list_churn_risk(list(e)) FROM e GROUP BY user_id").fetchall()
    query = "SELECT list_churn_risk(list(e), as_of := TIMESTAMP '2025-01-01') FROM e GROUP BY user_id"
    assert len(sites.execute(query).fetchall()) == 12


def test_events_of_an_unknown_group_need_an_as_of(sites: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="no mapped event has"):
        sites.execute("SELECT churn_risk(e) FROM (SELECT * REPLACE ('moon' AS site) FROM e WHERE user_id = 1) e")


minutes = st.integers(0, 2_000)
site = st.sampled_from(SITES)
step = st.one_of(
    st.tuples(
        st.just("INSERT INTO e VALUES ($1, $3, TIMESTAMP '2024-01-03' + to_minutes($2), 'buy', 1)"),
        st.integers(0, 13),
        minutes,
        site,
    ),
    st.tuples(
        st.just("INSERT INTO e VALUES ($1, $3, TIMESTAMP '2021-12-31' + to_minutes($2), 'view', 2)"),
        st.integers(0, 13),
        minutes,
        site,
    ),
    st.tuples(
        st.just("DELETE FROM e WHERE site IS NOT DISTINCT FROM $3 AND (epoch(event_time) + $1) % 7 < $2 % 7"),
        st.integers(0, 13),
        minutes,
        site,
    ),
    st.tuples(st.just("UPDATE e SET site = $3 WHERE user_id = $1 AND price < $2"), st.integers(0, 13), minutes, site),
    st.tuples(st.just("refresh"), st.just(0), st.just(0), st.none()),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(step, min_size=1, max_size=5))
def test_incremental_equals_full_in_groups(
    template: dict[bool, Path], tmp_path: Path, script: list[tuple[str, int, int, str | None]]
) -> None:
    with sqlscore.connect(shutil.copy(template[False], tmp_path / "sites.duckdb")) as con:
        sqlscore.refresh(con)
        for what, user, minute, name in script:
            if what == "refresh":
                sqlscore.refresh(con)
            else:
                con.execute(what, [value for place, value in enumerate((user, minute, name), 1) if f"${place}" in what])
        if con.execute("SELECT count(*) FROM e").fetchall() != [(0,)]:
            sqlscore.refresh(con)
            assert moments(con) == con.execute(NEWEST).fetchall()
            assert_equal_to_full(con)


def test_appended_rows_move_the_moment_of_their_group_alone(template: dict[bool, Path], tmp_path: Path) -> None:
    with sqlscore.connect(shutil.copy(template[True], tmp_path / "sites.duckdb")) as con:
        sqlscore.refresh(con)
        before = dict(moments(con))
        con.execute("INSERT INTO e VALUES (0, 'north', TIMESTAMP '2024-01-09', 'buy', 1)")
        report = sqlscore.refresh(con)
        assert (report.kind, report.n_users_encoded, report.n_events) == ("incremental", 1, 1)
        moved = {user for user, at in moments(con) if at != before[user]}
        assert moved == {0, 4, 8}
        assert_equal_to_full(con)


def test_one_group_scores_as_no_group_does(tmp_path: Path) -> None:
    scores = []
    for group in (None, "one"):
        with sqlscore.connect(tmp_path / f"{group}.duckdb") as con:
            con.execute(f"CREATE TABLE e AS SELECT *, 'all' AS one FROM ({EVENTS})")
            sqlscore.map_events(con, "e", features=["price"], group=group)
            con.execute("DELETE FROM sqlscore.guards")
            register(con, gru_artifact(0), name="m", mapping="events", champion=True, verb="train")
            for _ in range(2):
                sqlscore.refresh(con)
                con.execute("INSERT INTO e VALUES (1, 'north', TIMESTAMP '2024-02-01', 'buy', 1, 'all')")
                scores.append(con.execute(USERS).fetchall())
    assert scores[:2] == scores[2:]


def test_a_model_without_churn_moves_with_its_groups(sites: duckdb.DuckDBPyConnection) -> None:
    register(sites, tiny_artifact(numeric=("price",), heads=("next_action",)), name="plain", mapping="events",
             champion=True, verb="train")  # fmt: skip
    sqlscore.refresh(sites)
    sites.execute("INSERT INTO e VALUES (0, 'north', TIMESTAMP '2024-01-09', 'buy', 1)")
    assert sqlscore.refresh(sites).kind == "incremental"
    assert moments(sites) == sites.execute(NEWEST).fetchall()


def test_history_that_is_kept_has_each_score_once(sites: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(sites, keep_history=True)
    sites.execute("INSERT INTO e VALUES (0, 'north', TIMESTAMP '2024-01-09', 'buy', 1)")
    sqlscore.refresh(sites, keep_history=True)
    counted = sites.execute("SELECT user_id, count(*), count(DISTINCT as_of) FROM sqlscore.past_scores GROUP BY 1")
    assert {user: n for user, n, _ in counted.fetchall()} == {user: 2 if user in (0, 4, 8) else 1 for user in range(12)}


def test_a_group_that_moves_in_time_keeps_its_scores(tmp_path: Path) -> None:
    """Four weeks, so that the hour and the day of the week stay."""
    scores = []
    for weeks in (0, 4):
        with open_sites(tmp_path / f"{weeks}.duckdb") as con:
            con.execute("UPDATE e SET event_time = event_time - to_days(7 * ?) WHERE site = 'south'", [weeks])
            sqlscore.refresh(con)
            scores.append(
                con.execute("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY 1").fetchall()
            )
    assert [row[:2] for row in scores[0]] == [row[:2] for row in scores[1]]
    assert [row[2] for row in scores[0]] == pytest.approx([row[2] for row in scores[1]], abs=1e-6)
