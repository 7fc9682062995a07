"""When the next action comes, in SQL: quantiles, chances, and whether it is of the same visit."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import open_shop
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

USER = '"client id"'
FIRST = f"FROM clicks c WHERE {USER} = 0 GROUP BY {USER}"  # five events: any time up to ten minutes is as likely


def answer(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return con.execute(sql).fetchall()[0][0]


def test_answers_are_those_of_the_model(shop: duckdb.DuckDBPyConnection) -> None:
    """By arithmetic, for every kind of number."""
    assert answer(shop, f"SELECT seconds_to_next_actions(c) {FIRST}") == pytest.approx([60, 300, 540])
    assert answer(shop, f"SELECT seconds_to_next_actions(c, quantiles := [0, 1]) {FIRST}") == [0, 600]
    for seconds in ("60", "60.0", "60::FLOAT", "60::UTINYINT", "epoch(INTERVAL '1 minute')"):
        assert answer(shop, f"SELECT next_action_within(c, {seconds}) {FIRST}") == pytest.approx(0.1)
    assert answer(shop, f"SELECT next_action_within(c, 'infinity'::DOUBLE) {FIRST}") == 1


def test_parameters_may_differ_from_row_to_row(shop: duckdb.DuckDBPyConnection) -> None:
    """Lists of several lengths among them, and NULL for what is NULL."""
    rows = shop.execute(
        f"""SELECT seconds_to_next_actions(c, quantiles := any_value(
                       list_extract([[0.5], [0.1, NULL, 0.9], [], NULL], {USER} % 4 + 1))),
                   next_action_within(c, any_value(list_extract([60, NULL, 0, 1e9], {USER} % 4 + 1)))
            FROM clicks c WHERE {USER} < 4 GROUP BY {USER} ORDER BY {USER}"""
    ).fetchall()
    assert rows[0] == (pytest.approx([300]), pytest.approx(0.1))
    assert [pytest.approx(60), None, pytest.approx(540)] == rows[1][0]
    assert rows[1][1] is None
    assert rows[2] == ([], 0)
    assert rows[3] == (None, 1)


def test_nothing_to_score_is_null(shop: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT [list_next_action_within(NULL, 1), len(list_seconds_to_next_actions([])), NULL]"
    assert answer(shop, sql) == [None, None, None]
    assert answer(shop, "SELECT list_predict_next_visit(NULL)") is None
    assert answer(shop, f"SELECT seconds_to_next_actions(c, quantiles := NULL) {FIRST}") is None


def test_the_chance_and_times_of_a_visit_are_those_of_the_distribution() -> None:
    """The probability of a gap up to half an hour, and the middle of each of the two parts."""
    con = open_shop()
    for visit, within, same, later in con.execute(
        """WITH found AS (
               SELECT predict_next_visit(e) AS visit, next_action_within(e, 1800) AS within, list(e) AS l
               FROM e GROUP BY user_id
           )
           SELECT visit, within, list_next_action_within(l, visit.seconds_if_same),
                  list_next_action_within(l, visit.seconds_if_later)
           FROM found"""
    ).fetchall():
        assert visit["same_visit"] == within
        assert same == pytest.approx(within / 2, abs=1e-5)
        assert later == pytest.approx((1 + within) / 2, abs=1e-5)
        assert visit["seconds_if_same"] <= 1800 <= visit["seconds_if_later"]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.lists(st.floats(0, 1e9), min_size=2, max_size=5))
def test_quantiles_and_chances_rise_together(levels: list[float], seconds: list[float]) -> None:
    """They are two readings of one distribution."""
    con = open_shop()
    times = answer(con, f"SELECT seconds_to_next_actions(e, quantiles := {sorted(levels)}) FROM e WHERE user_id = 1")
    assert times == sorted(times)
    within = "SELECT next_action_within(e, {!r}) FROM e WHERE user_id = 1"
    chances = [answer(con, within.format(some)) for some in sorted(seconds)]
    assert all(more >= less - 1e-6 for less, more in zip(chances, chances[1:], strict=False))
    for level, time in zip(sorted(levels), times, strict=True):
        assert answer(con, within.format(time)) == pytest.approx(level, abs=1e-4)


def test_rows_lists_windows_and_bulk_agree() -> None:
    """One distribution, whatever the form of the question; the median is the time that is stored."""
    con = open_shop()
    sqlscore.materialize(con, "e", into="bulk")
    different = con.execute(
        """WITH grouped AS (
               SELECT user_id, seconds_to_next_actions(e, quantiles := [0.5, 0.9]) AS times,
                      next_action_within(e, 3600) AS p, predict_next_visit(e) AS visit,
                      list_seconds_to_next_actions(list(e), quantiles := [0.5, 0.9]) AS list_times,
                      list_next_action_within(list(e), 3600) AS list_p, list_predict_next_visit(list(e)) AS list_visit
               FROM e GROUP BY user_id
           ), windows AS (
               SELECT user_id, seconds_to_next_actions(e, quantiles := [0.5, 0.9]) OVER every AS times,
                      next_action_within(e, 3600) OVER every AS p, predict_next_visit(e) OVER every AS visit
               FROM e WINDOW every AS (PARTITION BY user_id)
           )
           SELECT g.user_id FROM grouped AS g JOIN windows AS w USING (user_id) JOIN bulk AS b USING (user_id)
           WHERE g.times <> g.list_times OR g.p <> g.list_p OR g.visit <> g.list_visit
              OR abs(g.p - w.p) > 1e-5 OR abs(g.visit.same_visit - w.visit.same_visit) > 1e-5
              OR list_max([abs(g.times[i] / w.times[i] - 1) FOR i IN [1, 2]]) > 1e-4
              OR abs(g.times[1] / b.seconds_to_next_action - 1) > 1e-4"""
    ).fetchall()
    assert different == []


def test_a_model_of_before_is_told_apart(shop: duckdb.DuckDBPyConnection) -> None:
    """It has the median, and says how to get the rest."""
    old = tiny_artifact(numeric=("price",), capabilities=())
    register(shop, old, name="old", mapping="events", champion=False, verb="train")
    assert answer(shop, f"SELECT seconds_to_next_action(c, model := 'old') {FIRST}") == 300
    for call in ("next_action_within(c, 60, ", "seconds_to_next_actions(c, ", "predict_next_visit(c, "):
        with pytest.raises(duckdb.Error, match="model old@1 knows the median.*train again"):
            shop.execute(f"SELECT {call}model := 'old') {FIRST}").fetchall()
