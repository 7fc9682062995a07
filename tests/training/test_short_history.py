"""A horizon that hardly fits into the history: what is trained, what is said of it, and what is refused."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

import sqlscore
from sqlscore.errors import TrainingError

QUICK: dict[str, Any] = {"max_epochs": 1, "embedding": 8, "hidden": 16, "width": 32}


@pytest.fixture
def shop(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """500 users who come every few days for 100 days; two of three stop on some day, and more do late than early."""
    con.execute(
        """CREATE TABLE visits AS SELECT u AS user_id, IF((d + u) % 2 = 0, 'view', 'buy') AS event_type,
               TIMESTAMP '2024-01-01' + to_hours(24 * d + u % 24) AS event_time
           FROM range(500) t(u), range(101) s(d)
           WHERE (d + u) % (3 + u % 4) = 0 AND (u % 3 = 0 OR d < 10 + 90 * sqrt((u * 7 % 500) / 500))"""
    )
    sqlscore.map_events(con, "visits")
    return con


def test_a_horizon_that_fits_once_and_a_third_trains(shop: duckdb.DuckDBPyConnection) -> None:
    """It is judged, with words on what that means, and judged the same again."""
    info = sqlscore.train(shop, horizon="75 days", lookback=float("inf"), **QUICK)
    assert "churn" in info.heads
    found = info.metrics["churn"]
    assert found["tested_on"] == "other users on the same dates, not on a later period"
    assert "not on a later period" in info.metrics["verdict"][-1]
    assert found["auc"] > 0.7
    assert info.notes["validation"]["held_out_users"]["churn"]["n"] > 0
    again = sqlscore.evaluate(shop)["churn"]
    assert again["n"] == found["n"]
    assert again["auc"] == pytest.approx(found["auc"], abs=1e-6)


def test_a_horizon_that_fits_nine_tenths_of_once_is_refused(shop: duckdb.DuckDBPyConnection) -> None:
    """The error says which one fits, and that one does."""
    with pytest.raises(TrainingError, match=r"span 100\.\d days; a horizon of at most 80\.\d days fits"):
        sqlscore.train(shop, horizon="111 days", **QUICK)
