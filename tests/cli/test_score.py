"""What `sqlscore score` prints, and how `train` shows what it replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run

import sqlscore
from sqlscore.cli.evaluation_shown import show_evaluation
from sqlscore.cli.train import _beside
from sqlscore.simulation.shop import simulate_shop


def test_a_model_of_counts_is_marked_until_a_training_replaces_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.from_arrow(simulate_shop(users=200).events).create("events")
        sqlscore.map_events(con, "events")
    scored = run("score", path)
    assert scored.exit_code == 0, scored.stderr
    assert "events@1 (counts, no training): next_action, time_to_next, churn; churn horizon" in scored.stdout
    assert f"next: sqlscore refresh {path}" in scored.stdout
    assert "counts, no training" in run("models", path).stdout
    assert "days old; counts, no training" in run("status", path).stdout
    replaced = run("train", path, "--architecture", "markov")
    assert "events@2 replaces events@1 (counts, no training) as champion." in replaced.stdout
    assert f"sqlscore compare {path} --models events@1,events@2" in replaced.stdout  # markov has no churn: other dates
    assert "The champion is a trained model, and stays." in run("score", path).stdout
    with sqlscore.connect(path) as con:
        trained = sqlscore.train(con, max_epochs=1, embedding=8, hidden=8, width=8)
        before = next(model for model in sqlscore.list_models(con) if model.is_untrained)
    show_evaluation(trained.metrics, _beside(trained, before))
    assert capsys.readouterr().out.count("events@3, counts") == 3  # a row in the table of each head
