"""The weight of one of two sets of probabilities, beside a search of the same loss that knows no slopes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from sqlscore.arrays import Floats
from sqlscore.training.learning.mixture_weight import best_weight

PROBABILITIES = st.floats(1e-12, 1.0)


def loss(weight: float, first: Floats, second: Floats, weights: Floats, held: float) -> float:
    of_targets = -float(weights @ np.log(weight * first + (1 - weight) * second))
    return (of_targets + held * (weight - 0.5) ** 2 / 2) / len(first)


@given(
    st.lists(st.tuples(PROBABILITIES, PROBABILITIES, st.floats(0.1, 5.0)), min_size=1, max_size=40),
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, 1.0, 100.0]),
)
def test_no_other_weight_has_a_smaller_loss(
    targets: list[tuple[float, float, float]], start: float, held: float
) -> None:
    """Probabilities may be as far apart as the smallest that is told apart from 0, and the best weight at an end."""
    first, second, weights = np.array(targets).T
    found = best_weight(first, second, weights, start, held)
    assert 0.0 <= found <= 1.0
    searched = minimize_scalar(
        lambda weight: loss(weight, first, second, weights, held), bounds=(0, 1), method="bounded"
    )
    least = min(searched.fun, *(loss(end, first, second, weights, held) for end in (0.0, 1.0)))
    near = [
        loss(min(max(found + part, 0.0), 1.0), first, second, weights, held) for part in np.linspace(-2e-3, 2e-3, 81)
    ]
    assert min(near) <= least + 1e-6  # the loss may be steep: within 0.002 of the weight it is least


@pytest.mark.parametrize("start", [0.0, 0.3, 1.0])
def test_ends_are_found_exactly(start: float) -> None:
    """What is never better gets no weight at all, unless the weight is held."""
    good, bad = np.full(50, 0.9), np.full(50, 0.2)
    assert best_weight(good, bad, np.ones(50), start) == 1.0
    assert best_weight(bad, good, np.ones(50), start) == 0.0


@pytest.mark.parametrize(("targets", "low", "high"), [(4, 0.5, 0.6), (50, 0.6, 0.9), (5_000, 0.99, 1.0)])
def test_a_held_weight_moves_as_far_as_there_are_targets(targets: int, low: float, high: float) -> None:
    good, bad = np.full(targets, 0.9), np.full(targets, 0.5)
    assert low < best_weight(good, bad, np.ones(targets), held=100.0) <= high
