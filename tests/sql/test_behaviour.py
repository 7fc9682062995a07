"""What drives retention: views against pandas on real events, and against the known truth of the simulated shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import sqlscore
from sqlscore.simulation.shop import CHURN_DRIVERS, RETENTION_ACTION, UNDERUSED_FEATURE, simulate_shop

SETS = ("mobile_onboarding/events", "online_retail/invoices", "rees46_cosmetics/events", "stackexchange_quantum/events")


@pytest.fixture(scope="module", params=SETS)
def real(request: pytest.FixtureRequest, data: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, pd.DataFrame]]:
    """A mapped data set, and its events as a frame in sequence order."""
    con = sqlscore.connect()
    sqlscore.map_events(con, str(data / f"{request.param}.parquet"), event_time="ts")
    events = con.sql("SELECT user_id, event_time, event_type FROM sqlscore.events").df()
    yield con, events.sort_values(["user_id", "event_time", "event_type"], ignore_index=True)
    con.close()


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """3,000 customers of the simulated shop."""
    con = sqlscore.connect()
    events = simulate_shop(3000, seed=5).events
    con.register("simulated", events)
    con.execute("CREATE TABLE clicks AS FROM simulated")
    con.unregister("simulated")
    sqlscore.map_events(con, "clicks", features=["price"])
    yield con
    con.close()


def test_transitions_are_what_pandas_counts(real: tuple[duckdb.DuckDBPyConnection, pd.DataFrame]) -> None:
    """Counts, probabilities, lifts and median waits."""
    con, events = real
    users = events.groupby("user_id")
    events = events.assign(
        next_action=users.event_type.shift(-1), seconds=-users.event_time.diff(-1).dt.total_seconds()
    ).dropna()
    pairs = events.groupby(["event_type", "next_action"]).seconds.agg(["size", "median"])
    probability = pairs["size"] / pairs["size"].groupby(level=0).transform("sum")
    share = events.next_action.value_counts(normalize=True)
    found = con.sql("FROM sqlscore.transitions").df().set_index(["action", "next_action"]).reindex(pairs.index)
    np.testing.assert_array_equal(found.n_transitions, pairs["size"])
    np.testing.assert_allclose(found.median_seconds, pairs["median"])
    np.testing.assert_allclose(found.probability, probability)
    np.testing.assert_allclose(found.lift, probability / share.reindex(pairs.index.get_level_values(1)).to_numpy())


def test_paths_are_what_pandas_counts(real: tuple[duckdb.DuckDBPyConnection, pd.DataFrame]) -> None:
    """Every window of three consecutive actions, with its users."""
    con, events = real
    users = events.groupby("user_id").event_type
    windows = events.assign(b=users.shift(-1), c=users.shift(-2)).dropna()
    expected = windows.groupby(["event_type", "b", "c"]).user_id.agg(["size", "nunique"])
    found = con.sql("SELECT path[1], path[2], path[3], n_times, n_users FROM sqlscore.paths()").fetchall()
    assert {row[:3]: row[3:] for row in found} == {row[0]: tuple(row[1:]) for row in expected.itertuples()}


@pytest.mark.parametrize(("period", "frequency"), [("week", "W-SUN"), ("month", "M")])
def test_cohorts_are_what_pandas_counts(
    real: tuple[duckdb.DuckDBPyConnection, pd.DataFrame], period: str, frequency: str
) -> None:
    """Every cohort, every later period, zeros included."""
    con, events = real
    events = events.assign(period=events.event_time.dt.to_period(frequency))
    events["cohort"] = events.groupby("user_id").period.transform("min")
    active = events.groupby(["cohort", "period"]).user_id.nunique()
    last = events.period.max()
    expected = {
        (cohort.start_time, number): active.get((cohort, cohort + number), 0)
        for cohort in events.cohort.unique()
        for number in range((last - cohort).n + 1)
    }
    query = "SELECT cohort, period_number, n_active FROM sqlscore.cohort_retention_with(period := $period)"
    found = con.execute(query, {"period": period}).fetchall()
    assert {(pd.Timestamp(cohort), number): n for cohort, number, n in found} == expected


def test_feature_usage_is_what_pandas_expects(real: tuple[duckdb.DuckDBPyConnection, pd.DataFrame]) -> None:
    """Expected users by the definition, user by user."""
    con, events = real
    lengths = events.groupby("user_id").size()
    share = events.event_type.value_counts(normalize=True)
    chance = 1 - (1 - share.to_numpy()[None, :]) ** lengths.to_numpy()[:, None]
    uses = pd.crosstab(events.user_id, events.event_type).reindex(index=lengths.index, columns=share.index) > 0
    found = con.sql("FROM sqlscore.feature_usage").df().set_index("action").reindex(share.index)
    np.testing.assert_array_equal(found.n_users, uses.sum())
    np.testing.assert_allclose(found.expected_users, chance.sum(0))
    np.testing.assert_allclose(found.expected_non_users, np.where(uses, 0, chance).sum(0), atol=1e-6)


def test_rfm_scores_are_what_pandas_ranks(real: tuple[duckdb.DuckDBPyConnection, pd.DataFrame]) -> None:
    """Quintiles by the share of users that are worse among those that are worse or better."""
    con, events = real
    users = events.groupby("user_id").event_time.agg(["max", "size"])
    worse, better = users.rank(method="min") - 1, len(users) - users.rank(method="max")
    scores = np.minimum(worse * 5 // (worse + better) + 1, 5)
    found = con.sql("FROM sqlscore.rfm()").df().set_index("user_id").reindex(users.index)
    np.testing.assert_array_equal(found.r_score, scores["max"])
    np.testing.assert_array_equal(found.f_score, scores["size"])


@pytest.mark.parametrize("n_today", [1, 20, 50, 85, 99, 100])
def test_users_seen_on_the_newest_day_have_the_best_recency_however_many_they_are(n_today: int) -> None:
    con = sqlscore.connect(threads=1)
    con.execute(
        f"""CREATE TABLE e AS SELECT i AS user_id, 'buy' AS event_type, CAST(i % 2 AS DOUBLE) AS price, CASE
            WHEN i < {n_today} THEN DATE '2025-06-30' ELSE DATE '2024-06-01' + CAST(i AS INTEGER) END AS event_time
            FROM range(100) t(i)"""
    )
    sqlscore.map_events(con, "e", features=["price"])
    rfm = con.sql("FROM sqlscore.rfm(value := price)").df()
    today, earlier = rfm[rfm.recency_days == 0], rfm[rfm.recency_days > 0]
    assert set(today.r_score) == {5}
    assert "hibernating" not in set(today.segment)
    assert set(rfm.f_score) == {5}  # one value is the best one
    assert set(zip(rfm.monetary, rfm.m_score, strict=True)) == {(0.0, 1), (1.0, 5)}
    if len(earlier) > 1:
        assert earlier.r_score.min() == 1
        assert (earlier.sort_values("recency_days").r_score.diff().dropna() <= 0).all()


def lifts(labelled: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Mantel-Haenszel risk ratios and tests, Greenland-Robins errors, Benjamini-Hochberg values, table by table."""
    labelled = labelled.assign(stratum=np.floor(np.log2(labelled.n_events)), kept=~labelled.churned.astype(bool))
    rows = {}
    for action, users in events.groupby("event_type").user_id:
        top = bottom = spread = surplus = variance = 0.0
        for _, stratum in labelled.groupby("stratum"):
            did = stratum.user_id.isin(users)
            a, n1 = stratum.kept[did].sum(), did.sum()
            c, n0 = stratum.kept[~did].sum(), (~did).sum()
            n = n1 + n0
            top, bottom = top + a * n0 / n, bottom + c * n1 / n
            spread += ((a + c) * n1 * n0 - a * c * n) / n**2
            surplus += a - n1 * (a + c) / n
            variance += n1 * n0 * (a + c) * (n - a - c) / (n**2 * max(n - 1, 1))
        ratio, error = top / bottom, np.sqrt(spread / (top * bottom))
        rows[action] = {"lift": ratio, "error": error, "p": 2 * norm.sf(abs(surplus) / variance**0.5)}
    frame = pd.DataFrame(rows).T.sort_values("p")
    frame["q"] = (frame.p * len(frame) / np.arange(1, len(frame) + 1))[::-1].cummin()[::-1]
    return frame


def test_action_stats_are_what_the_textbook_gives(shop: duckdb.DuckDBPyConnection) -> None:
    """Lift, interval, p and q against numpy and scipy."""
    con = shop
    labelled = con.sql("FROM sqlscore.churn_labels_inactivity() WHERE churned IS NOT NULL").df()
    events = con.sql(
        """FROM sqlscore.events SEMI JOIN sqlscore.churn_labels_inactivity() AS l
        ON events.user_id = l.user_id AND event_time <= l.as_of AND event_time > l.as_of - INTERVAL 90 DAY"""
    ).df()
    expected = lifts(labelled, events)
    found = con.sql("FROM sqlscore.action_stats").df().set_index("action").reindex(expected.index)
    assert found.p_value.notna().all()
    np.testing.assert_allclose(found.retention_lift, expected.lift.astype(float))
    np.testing.assert_allclose(found.lift_low, np.exp(np.log(expected.lift) - norm.ppf(0.975) * expected.error), 1e-5)
    np.testing.assert_allclose(found.p_value, expected.p.astype(float), 1e-4)
    np.testing.assert_allclose(found.q_value, expected.q.astype(float), 1e-4)
    rates = labelled.groupby(labelled.user_id.isin(events.user_id[events.event_type == "purchase"])).churned.mean()
    assert found.churn_rate["purchase"] == pytest.approx(rates[True])
    assert found.churn_rate_without["purchase"] == pytest.approx(rates[False])


@pytest.mark.parametrize(("churners", "lift", "precedes"), [("cancel", 0.0, "churn"), ("view", np.inf, "retention")])
def test_an_action_without_exceptions_is_the_strongest_signal(
    con: duckdb.DuckDBPyConnection, churners: str, lift: float, precedes: str
) -> None:
    """Nobody who cancels comes back, and everybody else does: a ratio of 0 has no logarithm, and is no noise."""
    other = {"cancel": "view", "view": "cancel"}[churners]
    con.execute(
        f"""CREATE TABLE e AS
            SELECT u AS user_id, TIMESTAMP '2025-01-01' + to_hours(u) AS event_time,
                   if(u % 2 = 0, '{churners}', '{other}') AS event_type FROM range(100) t(u)
            UNION ALL SELECT u, TIMESTAMP '2025-02-01' + to_hours(u), '{other}' FROM range(100) t(u) WHERE u % 2 = 1
            UNION ALL SELECT -1, TIMESTAMP '2025-03-01', '{other}'"""
    )
    sqlscore.map_events(con, "e")
    found = con.execute(
        """SELECT retention_lift, p_value, precedes FROM sqlscore.action_stats_with(as_of := '2025-01-15')
           WHERE action = 'cancel'"""
    ).fetchall()
    assert found[0][0] == lift
    assert found[0][1] < 1e-9
    assert found[0][2] == precedes


def test_the_planted_drivers_are_found(shop: duckdb.DuckDBPyConnection) -> None:
    """The truth is known: what ends customer relations, what keeps them, and what few discover."""
    stats = shop.sql("FROM sqlscore.action_stats ORDER BY retention_lift").df()
    assert stats.action[0] == CHURN_DRIVERS[0]
    assert stats.precedes[0] == "churn"
    top = stats.set_index("action").precedes
    assert top[RETENTION_ACTION] == top[UNDERUSED_FEATURE] == "retention"
    underused = shop.sql("SELECT action FROM sqlscore.feature_usage WHERE is_underused").fetchall()
    assert underused == [(UNDERUSED_FEATURE,)]


def test_prospects_add_up_to_the_expected_non_users(shop: duckdb.DuckDBPyConnection) -> None:
    """The list of users is the number in the overview, by name."""
    total = shop.execute(
        "SELECT sum(expected_probability) FROM sqlscore.feature_prospects($action)", {"action": UNDERUSED_FEATURE}
    ).fetchone()
    usage = shop.execute(
        "SELECT expected_non_users FROM sqlscore.feature_usage WHERE action = ?", [UNDERUSED_FEATURE]
    ).fetchone()
    assert total == pytest.approx(usage)
