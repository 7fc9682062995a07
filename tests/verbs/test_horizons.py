"""Several horizons from one training: the same risks by every way, and figures of each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import sqlscore
from sqlscore.errors import TrainingError
from sqlscore.simulation.shop import simulate_shop

THREE = "5 days, 10 days, 20 days"
QUICK: dict[str, Any] = {"max_epochs": 1, "embedding": 8, "hidden": 8, "width": 8}


@pytest.fixture(scope="module")
def trained(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated shop, with a small network of three horizons, and counts of three."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("trained") / "shop.duckdb"))
    bought = simulate_shop(users=300, seed=2).events  # noqa: F841 - DuckDB reads it
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE events AS SELECT * FROM bought")
        sqlscore.map_events(con, "events")
        sqlscore.score(con, name="counted", horizons=THREE)
        sqlscore.train(con, name="net", horizons=["20 days", 864_000, "5 days"], **QUICK)
    return path


@pytest.fixture
def shop(trained: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(shutil.copy(trained, tmp_path / "shop.duckdb")) as con:
        yield con


@pytest.mark.parametrize("model", ["counted@1", "net@1"])
def test_every_way_says_the_same(shop: duckdb.DuckDBPyConnection, model: str) -> None:
    """Rows, lists, the view before and after a refresh, and history; the longest is the plain risk."""
    sqlscore.promote(shop, model, force=True)
    shop.execute(
        """CREATE TABLE ad_hoc AS
           SELECT user_id, churn_risk(e) AS plain, churn_risk(e, horizon := '20 days') AS r20,
                  churn_risk(e, horizon := INTERVAL 15 DAY) AS r15, churn_risk(e, horizon := '10 days') AS r10,
                  churn_risk(e, horizon := 432000) AS r5, list_churn_risk(list(e), horizon := '5 days') AS l5
           FROM events e GROUP BY user_id"""
    )
    wrong = "count(*) FILTER (r20 <> plain OR l5 <> r5 OR r20 > r15 OR r15 > r10 OR r10 > r5)"
    assert shop.execute(f"SELECT count(*) > 250, {wrong}, max(r5 - plain) > 0.01 FROM ad_hoc").fetchall() == [
        (True, 0, True)
    ]
    compared = """SELECT count(*) = 3 * (SELECT count(*) FROM ad_hoc),
                         count(*) FILTER (abs(churn_risk - CASE horizon WHEN INTERVAL 5 DAY THEN r5
                                              WHEN INTERVAL 10 DAY THEN r10 ELSE r20 END) > 1e-6)
                  FROM sqlscore.churn_horizons JOIN ad_hoc USING (user_id)"""
    assert shop.execute(compared).fetchall() == [(True, 0)]
    sqlscore.refresh(shop)
    assert shop.execute(compared).fetchall() == [(True, 0)]
    sqlscore.score_history(shop, into="past")
    history = """
        WITH asked AS (
            SELECT e.user_id, e.event_time, churn_risk(e, as_of := e.event_time, horizon := '10 days')
                       OVER (PARTITION BY e.user_id ORDER BY e.event_time ROWS UNBOUNDED PRECEDING) AS r10
            FROM events e WHERE e.user_id < 20
        ), said AS (
            SELECT user_id, as_of, churn_risk FROM sqlscore.churn_horizons_with(scores := 'past')
            WHERE horizon_seconds = 864000
        )
        SELECT count(*) > 100, max(abs(a.r10 - s.churn_risk)) < 1e-6
        FROM asked a JOIN said s ON s.user_id = a.user_id AND s.as_of = a.event_time
        WHERE NOT EXISTS (SELECT 1 FROM events o WHERE o.user_id = a.user_id AND o.event_time = a.event_time
                          GROUP BY ALL HAVING count(*) > 1)"""
    shop.execute("SET TimeZone = 'UTC'")
    assert shop.execute(history).fetchall() == [(True, True)]


@pytest.mark.parametrize("model", ["counted@1", "net@1"])
def test_evaluate_reports_each_horizon(shop: duckdb.DuckDBPyConnection, model: str) -> None:
    """The last is the plain figure; the longer a horizon, the fewer are gone."""
    churn = sqlscore.evaluate(shop, model)["churn"]
    found = churn["horizons"]
    assert [row["horizon_seconds"] / 86_400 for row in found] == [5, 10, 20]
    rates = [row["base_rate"] for row in found]
    assert rates == sorted(rates, reverse=True)
    assert found[-1]["auc"] == pytest.approx(churn["auc"])
    assert found[-1]["log_loss"] == pytest.approx(churn["log_loss"], rel=1e-4)
    assert all(row["baselines"]["recency"]["auc"] > 0.5 for row in found)


@pytest.mark.parametrize(
    ("horizon", "said"),
    [
        ("'3 days'", "trained for a churn horizon of 5 days, 10 days, 20 days, not of 3 days"),
        ("'21 days'", "not of 21 days"),
        ("INTERVAL 1 MONTH", "horizon has months"),
        ("'soon'", "'soon' is not a length of time"),
        ("DATE '2024-01-01'", "horizon must be a length of time"),
    ],
)
def test_other_horizons_are_errors(shop: duckdb.DuckDBPyConnection, horizon: str, said: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=said):
        shop.execute(f"SELECT churn_risk(e, horizon := {horizon}) FROM events e GROUP BY user_id").fetchall()


def test_the_plain_horizon_is_the_longest(shop: duckdb.DuckDBPyConnection) -> None:
    assert {model.horizon_seconds for model in sqlscore.list_models(shop)} == {20 * 86_400}
    with pytest.raises(TrainingError, match="horizon is 10 days, and horizons reach 20 days"):
        sqlscore.train(shop, horizon="10 days", horizons=THREE)
    with pytest.raises(TrainingError, match="a churn horizon of 300"):
        sqlscore.score(shop, horizons="5 days,300 days")
