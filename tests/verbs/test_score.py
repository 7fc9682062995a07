"""`score`: every function at once, without training; it says so, and gives way to what is trained."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.errors import TrainingError
from sqlscore.simulation.shop import simulate_shop

SCORES = """SELECT user_id, predict_next_action(e), churn_risk(e), seconds_to_next_action(e), embed_events(e),
                   predict_path(e), score_events(e).churn_risk
            FROM events e GROUP BY user_id ORDER BY user_id"""


@pytest.fixture(scope="module")
def mapped(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated shop of 300 customers, mapped."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("mapped") / "shop.duckdb"))
    bought = simulate_shop(users=300, seed=1).events  # noqa: F841 - DuckDB reads it
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE events AS SELECT * FROM bought")
        sqlscore.map_events(con, "events", features=["price", "brand"])
    return path


@pytest.fixture
def shop(mapped: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(shutil.copy(mapped, tmp_path / "shop.duckdb")) as con:
        yield con


def test_functions_views_and_refresh_work_at_once(shop: duckdb.DuckDBPyConnection) -> None:
    """Ad hoc, bulk and incremental scores are the same, and the model says what it is."""
    info = sqlscore.score(shop)
    assert info.is_champion
    assert info.is_untrained
    assert info.kind == "counts, no training"
    assert "no training" in info.notes["no_training"]
    assert info.heads == ("next_action", "time_to_next", "churn")
    ad_hoc = {row[0]: row[1:] for row in shop.execute(SCORES).fetchall()}
    assert all(0 < row[1] < 1 and row[1] == row[5] for row in ad_hoc.values())
    sqlscore.refresh(shop)
    bulk = shop.execute("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users").fetchall()
    assert {row[0]: row[1:] for row in bulk} == {user: row[:2] for user, row in ad_hoc.items()}
    shop.execute("INSERT INTO events SELECT * REPLACE (event_time + INTERVAL 1 DAY AS event_time) FROM events LIMIT 50")
    sqlscore.refresh(shop)
    query = "SELECT user_id, round(churn_risk, 5), n_events FROM sqlscore.scored_users ORDER BY ALL"
    incremental = shop.execute(query).fetchall()
    sqlscore.refresh(shop, full=True)
    assert shop.execute(query).fetchall() == incremental


def test_what_is_scored_is_explained(shop: duckdb.DuckDBPyConnection) -> None:
    """The weights of all events and the silence sum to the risk minus the base rate."""
    info = sqlscore.score(shop)
    rows = shop.execute(
        """SELECT list_sum(list_transform(explain_churn_risk(e, k := NULL), lambda w: w.weight)), churn_risk(e)
           FROM events e WHERE user_id < 20 GROUP BY user_id"""
    ).fetchall()
    usual = info.notes["base_rates"]["churn"]
    assert [total for total, _ in rows] == pytest.approx([risk - usual for _, risk in rows], abs=1e-4)


def test_it_beats_recency_and_is_judged_again_alike(shop: duckdb.DuckDBPyConnection) -> None:
    """The figures are of the newest events before these were counted; `evaluate` finds the same."""
    info = sqlscore.score(shop)
    churn = info.metrics["churn"]
    assert churn["auc"] > churn["baselines"]["recency"]["auc"]
    assert info.metrics["next_action"]["log_loss"] < info.metrics["next_action"]["baselines"]["majority"]["log_loss"]
    found = sqlscore.evaluate(shop)
    assert found["churn"] == churn
    assert found["next_action"] == info.metrics["next_action"]


def test_the_first_training_takes_its_place(shop: duckdb.DuckDBPyConnection) -> None:
    """Even without a churn head, which would keep it from replacing a trained champion."""
    assert sqlscore.score(shop).is_champion
    assert sqlscore.score(shop).label == "events@2"
    trained = sqlscore.train(shop, architecture="markov")
    assert trained.is_champion
    again = sqlscore.score(shop)
    assert not again.is_champion
    assert [model.label for model in sqlscore.list_models(shop) if model.is_champion] == [trained.label]
    assert sqlscore.rollback(shop).label == "events@2"


def test_comparisons_show_it_beside_a_trained_model(shop: duckdb.DuckDBPyConnection) -> None:
    """As a contender that is made anew, and as a registered model; the figures are the same."""
    info = sqlscore.score(shop)
    result = sqlscore.compare(shop, architectures=["counts"], models=[info.label], register=False)
    first, second = (row for row in result.rows if row["kind"] == "model")
    for name in ("log_loss", "accuracy", "churn_auc"):
        assert first[name] == pytest.approx(second[name])


def test_no_torch_is_imported(mapped: Path, tmp_path: Path) -> None:
    """Neither to make the model nor to score and refresh with it."""
    path = shutil.copy(mapped, tmp_path / "shop.duckdb")
    code = f"""
import sys, sqlscore
con = sqlscore.connect({str(path)!r})
sqlscore.score(con)
con.execute({SCORES!r}).fetchall()
sqlscore.refresh(con)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_horizon_that_does_not_fit_is_refused(shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(TrainingError, match="a churn horizon of 400.0 days cannot be trained"):
        sqlscore.score(shop, horizon="400 days")
    assert sqlscore.score(shop, horizon="5 days").horizon_seconds == 5 * 86_400


def test_an_exported_model_scores_elsewhere(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Its file has no module, only tables."""
    sqlscore.score(shop)
    before = shop.execute(SCORES).fetchall()
    sqlscore.export_model(shop, None, tmp_path / "m.sqlscore")
    info = sqlscore.import_model(shop, tmp_path / "m.sqlscore", promote=True)
    assert info.is_untrained
    assert shop.execute(SCORES).fetchall() == before
