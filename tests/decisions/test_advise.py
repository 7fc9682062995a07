"""Advice: one row a user, always the same, within its limits; a playbook that cannot be used is named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from advised_shop import open_scored_shop
from command_line import run, run_json

import sqlscore
from sqlscore.errors import DecisionError


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_scored_shop() as con:
        yield con


@pytest.fixture
def advised() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same, after `sqlscore advise`."""
    with open_scored_shop(advised=True) as con:
        yield con


ALL = "FROM sqlscore.recommendations ORDER BY user_id"


def test_advice_is_one_row_a_user_the_same_each_time_and_within_its_limits(shop: duckdb.DuckDBPyConnection) -> None:
    assert shop.execute(ALL).fetchall() == []  # a view, before
    limits: dict[str, Any] = {"budget": 60.0, "contacts_per_day": 40, "value_saved": 40.0}
    first = sqlscore.advise(shop, **limits)
    rows = shop.execute(ALL).fetchall()
    sqlscore.advise(shop, **limits)
    assert shop.execute(ALL).fetchall() == rows
    differ = "FROM (FROM sqlscore.user_signals) EXCEPT ALL FROM sqlscore.user_signals_with(horizon := INTERVAL 10 DAY, "
    assert shop.execute(f"{differ}lookback := INTERVAL 20 DAY)").fetchall() == []  # which sorts for each macro
    assert len({row[0] for row in rows}) == len(rows) == first.outcome.n_at_risk > 100
    spent = shop.execute("SELECT count(*), sum(cost), min(net_value) FROM sqlscore.recommendations WHERE is_chosen")
    ((chosen, cost, least),) = spent.fetchall()
    assert 0 < chosen <= 40
    assert cost <= 60
    assert least > 0
    places = shop.execute("SELECT place FROM sqlscore.recommendations WHERE is_chosen ORDER BY net_value DESC, place")
    assert places.fetchall() == [(place + 1,) for place in range(chosen)]
    unsaid = "SELECT count(*) FROM sqlscore.recommendations WHERE is_chosen = (why_not IS NOT NULL)"
    assert shop.execute(unsaid).fetchall() == [(0,)]
    comment = "SELECT comment FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name = 'recommendations'"
    assert "one row per active user at risk" in shop.execute(comment).fetchall()[0][0]


def test_events_behind_the_scores_are_said(advised: duckdb.DuckDBPyConnection) -> None:
    """The fixture's own advice warned of nothing: warnings are errors in tests."""
    advised.execute("INSERT INTO e SELECT 1, max(event_time) + INTERVAL 1 HOUR, 'view' FROM e")
    with pytest.warns(UserWarning, match=r"are as of 2025-.*, and there are events up to 2025-.*refresh first"):
        advice = sqlscore.advise(advised)
    newest = advised.execute("SELECT max(event_time) FROM e").fetchall()[0][0]
    assert advice.as_of is not None
    assert advice.as_of < newest


def test_an_audience_has_a_limit_and_a_contact_cools_down(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("UPDATE sqlscore.playbook SET audience_limit = 3 WHERE name = 'win_back'")
    shop.execute("UPDATE sqlscore.playbook SET held_out = 0.5")
    assert sqlscore.advise(shop).outcome.chosen["win_back"] == 3
    chosen = shop.execute("SELECT user_id, playbook FROM sqlscore.recommendations WHERE is_chosen").fetchall()
    assigned = sqlscore.assign(shop)
    assert sum(each.treated + each.held_out for each in assigned) == len(chosen)
    assert all(each.known_before == 0 for each in assigned)
    treated = "SELECT user_id, which FROM sqlscore.interventions WHERE variant = 'treated' ORDER BY 1"
    to_treat = shop.execute(treated).fetchall()
    assert shop.execute("SELECT user_id, which FROM sqlscore.contacts ORDER BY 1").fetchall() == to_treat
    again = sqlscore.advise(shop).outcome
    assert again.why_not["cool-down"] >= len(chosen)
    both = """SELECT count(*) FROM sqlscore.recommendations JOIN sqlscore.interventions USING (user_id)
              WHERE is_chosen"""
    assert shop.execute(both).fetchall() == [(0,)]
    left = sqlscore.advise(shop, contacts_per_day=len(to_treat) + 3).outcome
    assert left.n_chosen <= 3


def test_who_is_assigned_twice_keeps_the_side(shop: duckdb.DuckDBPyConnection) -> None:
    """A campaign of one's own; the hash is that of the macro, so that anybody can check it."""
    everybody = "(SELECT user_id FROM sqlscore.scored_users)"
    (first,) = sqlscore.assign(shop, which="spring", users=everybody, held_out=0.3, seed=5)
    assert 0.25 < first.held_out / (first.treated + first.held_out) < 0.35
    (again,) = sqlscore.assign(shop, which="spring", users="sqlscore.scored_users", held_out=0.9, seed=6)
    assert (again.treated, again.held_out) == (0, 0)
    wrong = """SELECT count(*) FROM sqlscore.interventions
               WHERE variant <> sqlscore.assign(user_id, 'spring', held_out := 0.3, seed := 5)"""
    assert shop.execute(wrong).fetchall() == [(0,)]


def test_a_bad_row_is_named_and_the_advice_of_before_stays(advised: duckdb.DuckDBPyConnection) -> None:
    before = advised.execute(ALL).fetchall()
    add = "INSERT INTO sqlscore.playbook (name, condition, action) VALUES ('bad one', ?, 'x')"
    advised.execute(add, ["CAST(driver AS INTEGER) = 1"])
    with pytest.raises(DecisionError, match=r'the condition of "bad one" in sqlscore.playbook fails: .*convert'):
        sqlscore.advise(advised)
    assert advised.execute(ALL).fetchall() == before


def test_a_condition_may_ask_other_tables(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("CREATE TABLE vip AS SELECT user_id FROM e WHERE user_id % 2 = 0")
    shop.execute("UPDATE sqlscore.playbook SET is_on = false")
    add = "INSERT INTO sqlscore.playbook (name, condition, action) VALUES ('vip', 'user_id IN (FROM vip) -- x', 'x')"
    shop.execute(add)
    assert sqlscore.advise(shop).outcome.n_chosen > 0
    odd = "SELECT count(*) FROM sqlscore.recommendations WHERE is_chosen AND user_id % 2 = 1"
    assert shop.execute(odd).fetchall() == [(0,)]


def test_an_empty_playbook_and_nobody_at_risk_are_no_errors(shop: duckdb.DuckDBPyConnection) -> None:
    assert sqlscore.advise(shop, risk_from=1.0).outcome.n_at_risk == 0
    shop.execute("UPDATE sqlscore.playbook SET is_on = false")
    outcome = sqlscore.advise(shop, budget=0).outcome
    assert outcome.why_not == {"no row of the playbook matches": outcome.n_at_risk}
    assert sqlscore.assign(shop) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"budget": float("nan")}, "budget is nan"),
        ({"contacts_per_day": -1}, "contacts_per_day is -1"),
        ({"risk_from": 2}, "risk_from is 2"),
    ],
)
def test_numbers_out_of_range_are_said(shop: duckdb.DuckDBPyConnection, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(DecisionError, match=said):
        sqlscore.advise(shop, **asked)


@pytest.mark.parametrize("users", ["SELECT user_id FROM e", "(SELECT user_id AS who FROM e)", "nobody"])
def test_users_of_a_campaign_are_a_relation(shop: duckdb.DuckDBPyConnection, users: str) -> None:
    """A bare query, as other options take it, is none: the remedy shows the brackets."""
    with pytest.raises(DecisionError, match=r"in brackets: \(SELECT user_id FROM"):
        sqlscore.assign(shop, which="spring", users=users)


def test_advice_needs_scores_and_an_assignment_needs_advice(shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(DecisionError, match="no advice.*sqlscore advise"):
        sqlscore.assign(shop)
    shop.execute("DELETE FROM sqlscore.scored_users WHERE user_id = 1")
    with pytest.raises(DecisionError, match="not whole"):
        sqlscore.advise(shop)
    sqlscore.map_events(shop, "e", append_only=True, force=True)
    with pytest.raises(DecisionError, match="sqlscore refresh"):
        sqlscore.advise(shop)


def test_a_forgotten_user_is_nowhere(advised: duckdb.DuckDBPyConnection) -> None:
    sqlscore.assign(advised)
    ((user,),) = advised.execute("SELECT user_id FROM sqlscore.interventions LIMIT 1").fetchall()
    erased = sqlscore.forget_user(advised, user)
    assert (erased["recommendations"], erased["interventions"]) == (1, 1)


def test_interventions_outlive_another_mapping(shop: duckdb.DuckDBPyConnection) -> None:
    """With ids of another type too; the advice goes with the scores."""
    sqlscore.advise(shop, contacts_per_day=9)
    sqlscore.assign(shop)
    shop.execute("CREATE TABLE f AS SELECT * REPLACE (user_id::VARCHAR AS user_id) FROM e")
    report = sqlscore.map_events(shop, "f", force=True)
    assert '"sqlscore"."recommendations"' in report.dropped
    assert report.kept == {'"sqlscore"."interventions"': 9}
    found = shop.execute("SELECT typeof(user_id), count(churned) FROM sqlscore.judged_interventions GROUP BY 1")
    assert found.fetchall() == [("VARCHAR", 0)]


def test_the_commands_say_it_in_words_json_and_csv(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    shop.execute("UPDATE sqlscore.playbook SET message = '=HYPERLINK(1)' WHERE name = 'show_feature'")
    shop.execute(f"ATTACH '{path}' AS o; COPY FROM DATABASE shop TO o; DETACH o")
    shop.close()
    said = run("advise", path, "--contacts-per-day", 5, "--rows", 2)
    assert said.exit_code == 0, said.output
    assert "5 chosen" in said.stdout
    assert "next: sqlscore assign" in said.stdout
    answer = run_json("advise", path, "--contacts-per-day", 5)
    assert (answer["n_chosen"], len(answer["users"])) == (5, 5)
    table = list(csv.DictReader(io.StringIO(run("advise", path, "--risk-from", 0, "--csv").stdout)))
    assert {row["message"] for row in table if row["playbook"] == "show_feature"} == {"'=HYPERLINK(1)"}
    assert run_json("assign", path)[0]["known_before"] == 0
