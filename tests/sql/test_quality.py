"""Judging scores in SQL: against scikit-learn on random scores with many ties."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

import sqlscore

AS_OF = pd.Timestamp("2024-01-01")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = sqlscore.connect()
    yield con
    con.close()


@pytest.fixture(scope="module")
def judged(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """3,000 users with risks in steps of 1/64, so that sums are exact and ties are many; tables scores and labels."""
    rng = np.random.default_rng(0)
    risk = rng.integers(0, 65, 3000) / 64
    frame = pd.DataFrame(
        {"user_id": np.arange(3000), "as_of": AS_OF, "churn_risk": risk, "churned": rng.random(3000) < risk}
    )
    con.register("frame", frame)
    con.execute(
        "CREATE TABLE scores AS SELECT user_id, as_of::TIMESTAMP AS as_of, churn_risk::FLOAT AS churn_risk FROM frame"
    )
    con.execute("CREATE TABLE labels AS SELECT user_id, as_of::TIMESTAMP AS as_of, churned FROM frame")
    con.unregister("frame")
    return frame


def test_churn_metrics_are_scikit_learns(con: duckdb.DuckDBPyConnection, judged: pd.DataFrame) -> None:
    """The same numbers as `evaluate` gives, for any table of scores."""
    found = con.sql("FROM sqlscore.evaluate_churn('scores', 'labels')").df().iloc[0]
    truth, risk = judged.churned.to_numpy(), judged.churn_risk.to_numpy()
    assert found.n == len(judged)
    assert found.auc == pytest.approx(roc_auc_score(truth, risk))
    assert found.pr_auc == pytest.approx(average_precision_score(truth, risk))
    assert found.brier == pytest.approx(brier_score_loss(truth, risk))
    assert found.log_loss == pytest.approx(log_loss(truth, risk.clip(1e-7, 1 - 1e-7)))
    bins = np.minimum((risk * 15).astype(int), 14)
    gaps = [abs(risk[bins == b].sum() - truth[bins == b].sum()) for b in range(15)]
    assert found.ece == pytest.approx(sum(gaps) / len(judged))


def test_bins_deciles_and_thresholds_hold_the_users_that_they_should(
    con: duckdb.DuckDBPyConnection, judged: pd.DataFrame
) -> None:
    """Three cuts of the same scores."""
    bins = con.sql("FROM sqlscore.calibration_bins('scores', 'labels') ORDER BY risk_from").df()
    cut = np.minimum((judged.churn_risk * 10).astype(int), 9)
    np.testing.assert_array_equal(bins.n, judged.groupby(cut).size())
    np.testing.assert_allclose(bins.churn_rate, judged.groupby(cut).churned.mean())
    assert bins.is_calibrated.sum() >= 8  # the risks are true, so 95 % of intervals hold them
    deciles = con.sql("FROM sqlscore.lift_table('scores', 'labels') ORDER BY bin").df()
    ordered = judged.sort_values(["churn_risk", "user_id"], ascending=[False, True])
    np.testing.assert_array_equal(deciles.n_churned, ordered.churned.to_numpy().reshape(10, 300).sum(1))
    np.testing.assert_allclose(deciles.cumulative_gain, deciles.n_churned.cumsum() / judged.churned.sum())
    assert deciles.cumulative_lift.iloc[-1] == pytest.approx(1)
    table = con.sql("FROM sqlscore.threshold_table('scores', 'labels') ORDER BY threshold").df()
    for row in table.itertuples():
        chosen = judged[judged.churn_risk >= row.threshold]
        assert (row.n_contacted, row.n_churners_contacted) == (len(chosen), chosen.churned.sum())
        assert row.profit == pytest.approx(chosen.churned.sum() * 0.2 * 20 - len(chosen))
    assert table.profit[table.is_best].tolist() == [table.profit.max()]
