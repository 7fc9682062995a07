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
    evenly = judged.assign(churned=judged.groupby("churn_risk").churned.transform("mean"))
    ordered = evenly.sort_values("churn_risk", ascending=False)
    np.testing.assert_allclose(deciles.n_churned, ordered.churned.to_numpy().reshape(10, 300).sum(1))
    np.testing.assert_allclose(deciles.cumulative_gain, deciles.n_churned.cumsum() / judged.churned.sum())
    assert deciles.cumulative_lift.iloc[-1] == pytest.approx(1)
    table = con.sql("FROM sqlscore.threshold_table('scores', 'labels') ORDER BY threshold").df()
    for row in table.itertuples():
        chosen = judged[judged.churn_risk >= row.threshold]
        assert (row.n_contacted, row.n_churners_contacted) == (len(chosen), chosen.churned.sum())
        assert row.profit == pytest.approx(chosen.churned.sum() * 0.2 * 20 - len(chosen))
    assert table.profit[table.is_best].tolist() == [table.profit.max()]


def test_lift_does_not_follow_the_ids(con: duckdb.DuckDBPyConnection) -> None:
    """One risk for everybody lifts nothing, whether those who left have the lowest ids, the highest or any."""
    con.execute(
        """CREATE OR REPLACE TABLE equal AS
           SELECT i AS user_id, DATE '2024-01-01' AS as_of, 0.3 AS churn_risk FROM range(100) t(i)"""
    )
    for left in ("user_id < 30", "user_id >= 70", "user_id % 10 < 3"):
        con.execute(f"CREATE OR REPLACE TABLE gone AS SELECT user_id, as_of, {left} AS churned FROM equal")
        table = con.sql(
            "SELECT n, n_churned, lift, cumulative_gain FROM sqlscore.lift_table('equal', 'gone', bins := 4)"
        )
        assert table.fetchall() == [(25, 7.5, 1.0, (i + 1) / 4) for i in range(4)]


TWICE = "a user has several scores or labels of one moment, and would count more than once"


@pytest.mark.parametrize(
    "query",
    [
        "FROM sqlscore.judged_scores('two_models', 'one_label')",
        "FROM sqlscore.evaluate_churn('two_models', 'one_label')",
        "FROM sqlscore.calibration_bins('two_models', 'one_label')",
        "FROM sqlscore.lift_table('two_models', 'one_label')",
        "FROM sqlscore.threshold_table('two_models', 'one_label')",
        "FROM sqlscore.evaluate_churn('one_model', 'two_labels')",
    ],
)
def test_nobody_counts_twice_at_one_moment(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Past scores of two models were mixed into one figure."""
    con.execute(
        """CREATE OR REPLACE TABLE one_model AS
           SELECT i AS user_id, DATE '2024-01-01' AS as_of, 'm@1' AS model, i / 9 AS churn_risk FROM range(9) t(i);
           CREATE OR REPLACE TABLE two_models AS FROM one_model
           UNION ALL SELECT * REPLACE ('m@2' AS model) FROM one_model WHERE user_id = 3;
           CREATE OR REPLACE TABLE one_label AS SELECT user_id, as_of, user_id % 2 = 0 AS churned FROM one_model;
           CREATE OR REPLACE TABLE two_labels AS FROM one_label UNION ALL FROM one_label WHERE user_id = 3"""
    )
    with pytest.raises(duckdb.Error, match=TWICE):
        con.execute(query).fetchall()
    con.execute("CREATE OR REPLACE VIEW first_model AS FROM two_models WHERE model = 'm@1'")
    assert con.execute("SELECT n FROM sqlscore.evaluate_churn('first_model', 'one_label')").fetchall() == [(9,)]


@pytest.mark.parametrize("churned", [True, False])
def test_of_one_class_neither_area_is_known(con: duckdb.DuckDBPyConnection, churned: bool) -> None:
    con.execute(
        f"""CREATE OR REPLACE TABLE alike AS
            SELECT i AS user_id, DATE '2024-01-01' AS as_of, i / 9 AS churn_risk, {churned} AS churned
            FROM range(9) t(i)"""
    )
    assert con.execute("SELECT auc, pr_auc, n FROM sqlscore.evaluate_churn('alike', 'alike')").fetchall() == [
        (None, None, 9)
    ]
