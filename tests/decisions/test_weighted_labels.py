"""A model that is trained where many were treated, and what it says of users whom nobody treats."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run
from weighted_labels import remind, told

import sqlscore
from sqlscore.training.evaluation.verdict import verdict_on_weighting

SMALL = {"max_epochs": 1, "embedding": 8, "hidden": 8, "width": 8, "recency": 0, "refit": False, "through_now": False}


def test_the_risk_is_what_comes_without_treatment() -> None:
    """A reminder that works is known to the shop; `python benchmarks/weighted_labels.py` does more."""
    with sqlscore.connect(":memory:") as con:
        found = told(con, remind(con, 800, 0), 0, **SMALL)
        plain, weighted = sorted(sqlscore.list_models(con), key=lambda model: model.version)
        judged = sqlscore.evaluate(con, weighted.label)
    assert found.risk["as it was"] < found.left - 0.25
    assert found.risk["weighted"] == pytest.approx(found.left, abs=0.12)
    assert "weighted_labels" not in plain.notes
    assert found.weighting == weighted.notes["weighted_labels"]
    assert 0 < found.weighting["weighted"] < found.weighting["left_out"] < found.weighting["labels"]
    for metrics in (weighted.metrics, judged):  # on labels that are weighted too, again when it is evaluated later
        assert any("that of users whom nobody treats" in sentence for sentence in metrics["verdict"])
        assert metrics["churn"]["base_rate"] > plain.metrics["churn"]["base_rate"] + 0.1
    assert judged["churn"] == weighted.metrics["churn"]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    """No intervention, no weights."""
    file = tmp_path / "shop.duckdb"
    with sqlscore.connect(file) as con:
        con.execute(
            """CREATE TABLE e AS SELECT i % 40 AS user_id, TIMESTAMP '2025-01-01' + to_hours(i) AS event_time,
                   (['view', 'cart', 'buy'])[1 + i % 3] AS event_type FROM range(800) t(i)"""
        )
        sqlscore.map_events(con, "e")
    failed = run("train", file, "--weight-from", "interventions")
    assert failed.exit_code != 0
    assert "nobody was assigned to anything yet" in failed.stderr
    assert "run sqlscore assign" in " ".join(failed.stderr.split())


def test_users_for_whom_nobody_can_stand_are_said() -> None:
    """Where treatment was certain, its effect cannot be taken out."""
    counted = {"most": 20.0, "labels": 900, "left_out": 300, "of_them_without_chance": 80, "weighted": 40, "clipped": 3}
    said = verdict_on_weighting(counted)
    assert len(said) == 3
    assert "3 of these would count more than 20 times" in said[1]
    assert "for 80 of the labels left out nobody was held out" in said[2]
    assert verdict_on_weighting(None) == []
