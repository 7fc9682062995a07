"""What if: candidates for the next action, on a model whose answers are known."""

from __future__ import annotations

import math

import duckdb
import pytest
from tiny_model import tiny_artifact

from sqlscore.database.registry import register

USER = '"client id"'
ACTIONS = ["view", "cart", "buy"]
TOP = math.exp(2) / (math.exp(2) + 2)  # the tiny model's probability of the action that follows the last one


def within(last: int, goal: int, steps: int) -> float:
    """The tiny model's probability of a goal within so many steps, over every path."""
    if steps == 0:
        return 0.0
    shares = [TOP if action == (last + 1) % 3 else (1 - TOP) / 2 for action in range(3)]
    return shares[goal] + sum(shares[a] * within(a, goal, steps - 1) for a in range(3) if a != goal)


def best(con: duckdb.DuckDBPyConnection, call: str, user: int = 0) -> list[dict[str, object]]:
    found: list[dict[str, object]] = con.execute(
        f"SELECT best_next_action(c, {call}) FROM clicks c WHERE {USER} = {user} GROUP BY {USER}"
    ).fetchall()[0][0]
    return found


def test_without_a_goal_candidates_are_ranked_by_the_risk_that_would_follow(con: duckdb.DuckDBPyConnection) -> None:
    """Each happens at as_of; of equally good ones the order in which they were given stays."""
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    event = "{'event_time': TIMESTAMP '2024-01-01', 'event_type': 'view'}"
    found = con.execute(
        f"SELECT list_best_next_action([{event}], ['cart', 'view'], as_of := TIMESTAMP '2024-01-03')"
    ).fetchall()[0][0]
    now, then = 1 / (1 + math.exp(0.1 - 2)), 1 / (1 + math.exp(0.2))
    assert [row["action"] for row in found] == ["cart", "view"]
    for row in found:
        assert row["predicted"] == pytest.approx(then, abs=1e-6)
        assert row["difference"] == pytest.approx(then - now, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("fold", [True, False])
def test_with_a_goal_candidates_are_ranked_by_its_chance_within_n_steps(
    con: duckdb.DuckDBPyConnection, steps: int, fold: bool
) -> None:
    """Against the sum over every path, which is exact; one step is exact here too."""
    register(con, tiny_artifact(fold=fold), name="m", mapping="events", champion=True, verb="train")
    found = con.execute(
        f"SELECT list_best_next_action(['buy', 'view'], ['view', 'cart', 'buy'], goal := 'buy', n := {steps})"
    ).fetchall()[0][0]
    expected = {action: within(i, 2, steps) for i, action in enumerate(ACTIONS)}
    assert found[0]["action"] == "cart"
    tolerance = 1e-6 if steps == 1 else 0.02
    for row in found:
        assert row["predicted"] == pytest.approx(expected[row["action"]], abs=tolerance)
        assert row["difference"] == pytest.approx(row["predicted"] - expected["view"], abs=tolerance)
    predicted = [row["predicted"] for row in found]
    assert predicted == sorted(predicted, reverse=True)


def test_candidates_may_differ_by_row_and_hold_nulls(shop: duckdb.DuckDBPyConnection) -> None:
    """A column of lists: none, an empty one, one with NULL in it."""
    rows = shop.execute(
        f"""SELECT {USER}, best_next_action(c, CASE {USER} WHEN 0 THEN ['buy', NULL] WHEN 1 THEN [] END)
            FROM clicks c WHERE {USER} < 3 GROUP BY {USER} ORDER BY {USER}"""
    ).fetchall()
    assert [row[0] for row in rows] == [0, 1, 2]
    assert [r["action"] for r in rows[0][1]] == ["buy"]
    assert rows[1][1] == []
    assert rows[2][1] is None


def test_both_forms_windows_and_neighbours_agree(shop: duckdb.DuckDBPyConnection) -> None:
    """The draws are the same for everybody, so that a score is a function of the events."""
    call = "['cart', 'buy'], goal := 'view', n := 4"
    rows = shop.execute(
        f"""SELECT {USER}, best_next_action(c, {call}), list_best_next_action(list(c), {call})
            FROM clicks c GROUP BY {USER} ORDER BY {USER}"""
    ).fetchall()
    assert len(rows) == 40
    assert all(a == b for _, a, b in rows)
    assert best(shop, call, user=7) == rows[7][1]
    over = shop.execute(
        f"""SELECT best_next_action(c, ['buy'], as_of := c."when") OVER (PARTITION BY {USER} ORDER BY "when")
            FROM clicks c WHERE {USER} = 0 ORDER BY "when" """
    ).fetchall()
    assert [row[0][0]["predicted"] for row in over] == pytest.approx(
        [1 / (1 + math.exp((n + 1) / 10)) for n in range(1, 6)]
    )


def test_nothing_known_has_no_best_action(shop: duckdb.DuckDBPyConnection) -> None:
    row = shop.execute(
        "SELECT list_best_next_action([], ['buy']), list_best_next_action(NULL, ['buy'], goal := 'view')"
    ).fetchall()
    assert row == [(None, None)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("['buy', 'fly']", "never seen action 'fly'.*'view', 'cart', 'buy'"),
        ("['buy'], goal := 'fly'", "never seen action 'fly'"),
        ("'buy'", "candidates has type VARCHAR, expected VARCHAR.*pass a list"),
        ("['buy'], goal := 'view', n := 0", "n must be a whole number.*found 0"),
        ("['buy'], as_of := '2023-01-01'", "later than as_of 2023-01-01"),
    ],
)
def test_wrong_use_says_what_to_do(shop: duckdb.DuckDBPyConnection, call: str, message: str) -> None:
    with pytest.raises(duckdb.Error, match=message):
        best(shop, call)


def test_a_plain_list_needs_a_goal(shop: duckdb.DuckDBPyConnection) -> None:
    """Churn needs times; what follows what does not."""
    with pytest.raises(duckdb.Error, match="plain list of actions has no times"):
        shop.execute("SELECT list_best_next_action(['view'], ['buy'])").fetchall()


def test_the_comment_says_that_it_is_a_prediction(shop: duckdb.DuckDBPyConnection) -> None:
    """What usually follows an action is not what it causes, and a BI tool shows the comment."""
    comments = shop.execute(
        "SELECT DISTINCT comment FROM duckdb_functions() WHERE function_name LIKE '%best_next_action'"
    ).fetchall()
    assert len(comments) == 1
    assert "not the effect of causing the action" in comments[0][0]
