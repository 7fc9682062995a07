"""Models that were asked to find rare actions: what they choose is weighted, what they state is true."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

import sqlscore

# After b1 a rare action follows in 40 of 100 cases, after b2 in 2: never the likeliest, and 6 times its share after b1.
EVENTS = """CREATE TABLE clicks AS
    SELECT i % 60 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i) AS event_time,
        CASE (i // 60 + i % 60) % 3 WHEN 0 THEN 'a'
            WHEN 1 THEN IF(hash(i) % 2 = 0, 'b1', 'b2')
            ELSE IF(hash(-i) % 100 < IF(hash(i - 60) % 2 = 0, 40, 2), 'rare', 'c') END AS event_type
    FROM range(4200) t(i)"""
JUDGED = """SELECT avg(next_action_probability), avg((next_action = actual)::INT),
        avg((next_action = 'rare')::INT) FILTER (actual = 'rare')
    FROM (SELECT h.*, lead(c.event_type) OVER (PARTITION BY user_id ORDER BY h.event_time) AS actual
          FROM history h JOIN clicks c USING (user_id, event_time))
    WHERE actual IS NOT NULL"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect() as con:
        con.execute(EVENTS)
        sqlscore.map_events(con, "clicks")
        for name in ("none", "balanced"):
            sqlscore.train(con, name=name, class_weight=name, max_epochs=4, embedding=8, hidden=16, width=16)
        sqlscore.promote(con, "balanced@1", force=True)
        yield con


def test_probabilities_of_a_balanced_model_are_as_true_as_others(con: duckdb.DuckDBPyConnection) -> None:
    """The weights are taken out of them again: log-loss and calibration are those of the plain model."""
    plain, balanced = (sqlscore.evaluate(con, f"{name}@1")["next_action"] for name in ("none", "balanced"))
    assert balanced["log_loss"] == pytest.approx(plain["log_loss"], abs=0.02)
    assert balanced["ece"] < 0.05
    assert balanced["log_loss"] < balanced["baselines"]["markov2"]["log_loss"] + 0.01


def test_a_balanced_model_finds_the_rare_action(con: duckdb.DuckDBPyConnection) -> None:
    """It names the action whose probability is most above its share; the probability beside it is what happens."""
    found = {}
    for name in ("none", "balanced"):
        sqlscore.score_history(con, into="history", model=f"{name}@1")
        (found[name],) = con.sql(JUDGED).fetchall()
    assert found["none"][2] < 0.1
    assert found["balanced"][2] > 0.8
    assert found["balanced"][1] < found["none"][1]
    for stated, right, _ in found.values():
        assert stated == pytest.approx(right, abs=0.03)


def test_every_door_shows_the_same_choice(con: duckdb.DuckDBPyConnection) -> None:
    """Tables, functions of rows, of lists, histories, paths, explanations: one decision, one probability."""
    sqlscore.refresh(con)
    sqlscore.score_history(con, into="history", model="balanced@1")
    differing = con.sql(
        """WITH rows AS (
               SELECT user_id, predict_next_action(c) AS next_action, predict_next_actions(c, 1)[1].action AS likeliest,
                   predict_path(c, 2)[1] AS first_step
               FROM clicks c GROUP BY user_id),
           last AS (SELECT DISTINCT ON (user_id) * FROM history ORDER BY user_id, event_time DESC)
           SELECT count(*), count(*) FILTER (s.next_action <> s.next_actions[1].action),
               count(*) FILTER (r.next_action <> s.next_action OR r.first_step <> s.next_action
                   OR l.next_action <> s.next_action OR r.likeliest <> s.next_actions[1].action
                   OR abs(l.next_action_probability - s.next_action_probability) > 1e-5)
           FROM sqlscore.scored_users s JOIN rows r USING (user_id) JOIN last l USING (user_id)"""
    ).fetchall()
    ((users, weighted, wrong),) = differing
    assert (users, wrong) == (60, 0)
    assert weighted > 0
