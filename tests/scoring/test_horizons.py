"""Risks within several horizons: never rising, the plain one at the longest, linear between two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import ModelError
from sqlscore.scoring.horizons import Horizon, require_horizon, risk_within
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.learning.horizons import fit_horizons

DAY = 86_400.0
LONGEST = 30 * DAY
WEIGHTS = st.tuples(*[st.floats(-8, 8)] * 3)
RISKS = st.lists(st.floats(2**-13, 1 - 2**-13, width=32), min_size=1, max_size=20)


@given(RISKS, st.lists(WEIGHTS, min_size=2, max_size=2), st.lists(st.floats(7, 30), min_size=2, max_size=9), st.data())
def test_risk_never_rises_with_the_horizon(
    risks: list[float], weights: list[tuple[float, float, float]], days: list[float], data: st.DataObject
) -> None:
    """Whatever the weights, the silences and the horizons, trained or between."""
    horizons = [Horizon(7 * DAY, weights[0]), Horizon(14 * DAY, weights[1])]
    risk = np.array(risks, np.float32)
    silence = np.array([data.draw(st.floats(0, 400 * DAY)) for _ in risks])
    before = risk_within(risk, silence, horizons, LONGEST, 7 * DAY)
    assert ((before > 0) & (before < 1)).all()
    for seconds in sorted(day * DAY for day in (*days, 14, 30)):
        within = risk_within(risk, silence, horizons, LONGEST, seconds)
        assert within.dtype == np.float32
        assert (within <= before).all()
        before = within
    np.testing.assert_array_equal(before, risk)


def test_between_two_horizons_it_is_linear() -> None:
    horizons = [Horizon(10 * DAY, (0.3, 0.1, -0.2))]
    risk, silence = np.array([0.2, 0.6], np.float32), np.array([DAY, 9 * DAY])
    low, middle, high = (risk_within(risk, silence, horizons, LONGEST, days * DAY) for days in (10, 20, 30))
    np.testing.assert_allclose(middle, (low + high) / 2, rtol=1e-6)


def test_without_weights_users_come_back_at_a_constant_rate() -> None:
    horizons = [Horizon(10 * DAY, (0.0, 0.0, 0.0)), Horizon(15 * DAY, (0.0, 0.0, 0.0))]
    risk, silence = np.array([0.2, 0.6], np.float32), np.array([DAY, 9 * DAY])
    for days in (10, 15):
        within = risk_within(risk, silence, horizons, LONGEST, days * DAY)
        np.testing.assert_allclose(within, risk.astype(np.float64) ** (days / 30), rtol=1e-5)


def test_what_was_fitted_is_calibrated() -> None:
    """Users who come back early in the horizon, unlike a constant rate: within a hundredth of what came."""
    from types import SimpleNamespace

    random, n = np.random.default_rng(0), 40_000
    risk = random.uniform(0.1, 0.9, n)
    returns = random.random(n) > risk
    after = np.where(returns, LONGEST * random.beta(1, 3, n), 2 * LONGEST) * 1e6
    times = np.stack([np.zeros(n), after], 1).reshape(-1).astype(np.int64)
    examples = Examples(2 * np.arange(n), np.zeros(n), ~returns, np.ones(n, np.int64))
    data = SimpleNamespace(times=times, offsets=2 * np.arange(n + 1))
    horizons = fit_horizons(data, examples, risk, LONGEST, [7 * DAY, 14 * DAY])  # type: ignore[arg-type]
    assert [horizon.seconds for horizon in horizons] == [7 * DAY, 14 * DAY]
    for days in (7, 14):
        said = risk_within(risk.astype(np.float32), np.zeros(n), horizons, LONGEST, days * DAY)
        assert said.mean() == pytest.approx((after > days * DAY * 1e6).mean(), abs=0.01)


@pytest.mark.parametrize("days", [6, 31])
def test_a_horizon_outside_names_the_trained_ones(days: float) -> None:
    with pytest.raises(ModelError, match=r"churn horizon of 7 days, 30 days, not of .* ask for one from the first"):
        require_horizon("m@1", [Horizon(7 * DAY, (0.0, 0.0, 0.0))], LONGEST, days * DAY)
    require_horizon("m@1", [], LONGEST, LONGEST)
    with pytest.raises(ModelError, match="churn horizon of 30 days, not of"):
        require_horizon("m@1", [], LONGEST, days * DAY)
