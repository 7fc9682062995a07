"""The figures of an uplift hold what they promise, on signals whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sqlscore.arrays import Floats
from sqlscore.finetuning.uplift_judging import judge_uplift, uplift_verdict


def drawn(seed: int, users: int, effect: Floats, told: Floats) -> dict[str, Any]:
    """Signals as a trial with half the users held out gives them: noise around the effect, twice the outcome's."""
    rng = np.random.default_rng(seed)
    return judge_uplift(told, effect + rng.normal(0, 1, users), float(effect.mean()))


def test_the_interval_of_qini_covers_what_is_true() -> None:
    """Also the users who happen to be judged are drawn, which an interval around their signals alone would forget."""
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, 1])
        effect = rng.uniform(
            -0.5, 1.5, 400
        )  # a user at share u has 2u - 1/2, so that Qini is the variance of u, doubled
        found = drawn(seed, 400, effect, effect)
        covered += found["qini_low"] <= 2 / 12 <= found["qini_high"]
    assert 0.92 <= covered / 300 <= 0.98


def test_what_cannot_be_told_apart_is_not_said_to_be() -> None:
    """What is told has nothing to do with what happens: it may be said to rank users in 2.5 of 100 trials."""
    said = 0
    for seed in range(300):
        told = np.random.default_rng([seed, 2]).uniform(-0.2, 0.4, 400)
        said += drawn(seed, 400, np.full(400, 0.1), told)["qini_low"] > 0
    assert said <= 18


def test_one_uplift_for_everybody_ranks_nobody() -> None:
    """Ties share a place: an order of rows must not look like an order of users."""
    effect = np.linspace(-0.5, 0.5, 500)
    found = drawn(0, 500, effect, np.full(500, 0.1))
    assert found["qini"] == pytest.approx(0, abs=1e-12)
    assert found["slope"] is None
    assert len(found["tenths"]) == 1
    assert "cannot be told beyond noise" in uplift_verdict(found)[1]


def test_a_calibrated_uplift_has_slope_one_and_tenths_that_hold_it() -> None:
    effect = np.random.default_rng(3).uniform(-0.6, 0.6, 20_000)
    found = drawn(3, 20_000, effect, effect)
    assert found["slope"] == pytest.approx(1, abs=3 * found["slope_error"])
    tenths = found["tenths"]
    assert len(tenths) == 10
    assert sum(part["uplift_low"] <= part["told"] <= part["uplift_high"] for part in tenths) >= 8
    assert found["better"] > 2
    assert "driven away" in uplift_verdict(found)[2]


def test_a_wrong_order_and_a_wrong_size_are_named() -> None:
    effect = np.random.default_rng(4).uniform(-0.6, 0.6, 5_000)
    assert "the wrong way round" in uplift_verdict(drawn(4, 5_000, effect, -effect))[1]
    assert "smaller than it says" in uplift_verdict(drawn(4, 5_000, effect, 4 * effect))[2]
    assert "larger than it says" in uplift_verdict(drawn(4, 5_000, effect, effect / 4))[2]
