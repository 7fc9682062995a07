"""Shapley values by design: exact for few players, complete for many."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from sqlscore.scoring.explanation.beginnings import plan
from sqlscore.scoring.explanation.shapley import EXACT, design


def shares(n: int, value: Callable[[np.ndarray], float]) -> np.ndarray:
    made = design(n)
    every = np.concatenate([np.zeros((1, n), bool), np.ones((1, n), bool), made.subsets])
    return np.asarray(made.coefficients @ np.array([value(subset) for subset in every]))


def curved(weights: np.ndarray) -> Callable[[np.ndarray], float]:
    """A game with interactions: players that add up, and two that only count together."""
    return lambda present: float(np.tanh(weights @ present) + 0.7 * present[0] * present[-1])


def test_few_players_are_shared_exactly() -> None:
    """The definition, computed another way: the mean contribution over all orders of arrival."""
    weights = np.array([0.9, -0.4, 0.2, 0.0, 0.5])
    value = curved(weights)
    expected = np.zeros(5)
    orders = list(permutations(range(5)))
    for order in orders:
        present = np.zeros(5, bool)
        for player in order:
            before = value(present)
            present[player] = True
            expected[player] += (value(present) - before) / len(orders)
    np.testing.assert_allclose(shares(5, value), expected, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, EXACT, EXACT + 1, 20, 33])
def test_shares_sum_to_what_all_achieve_together(n: int) -> None:
    """Completeness holds for any values, whatever the number of subsets that are asked for."""
    made = design(n)
    values = np.random.default_rng(n).normal(size=(made.coefficients.shape[1],))
    assert (made.coefficients @ values).sum() == pytest.approx(values[1] - values[0], abs=1e-9)


@pytest.mark.parametrize("n", [EXACT + 1, 33])
def test_players_that_only_add_up_get_what_they_add(n: int) -> None:
    """Where nothing depends on the others, any order of arrival is exact."""
    weights = np.random.default_rng(0).normal(size=n)
    np.testing.assert_allclose(shares(n, lambda present: float(weights @ present)), weights, atol=1e-9)


def test_the_first_to_come_are_shared_without_error() -> None:
    """A large step away from nothing, which any player makes, must not fall on those that a sample put first."""
    found = shares(33, lambda present: float(present.any()))
    np.testing.assert_allclose(found, 1 / 33, atol=1e-12)


def test_many_players_come_close_to_the_exact_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixed design against the definition, on a game with interactions."""
    weights = np.random.default_rng(1).normal(size=12) / 2
    value = curved(weights)
    approximate = shares(12, value)
    monkeypatch.setattr("sqlscore.scoring.explanation.shapley.EXACT", 12)
    design.cache_clear()
    exact = shares(12, value)
    design.cache_clear()
    assert np.abs(approximate - exact).max() < 0.03
    assert np.abs(exact).max() > 0.3


@pytest.mark.parametrize("n", [1, 2, EXACT, EXACT + 1, 25])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_plan_comes_to_every_subset_by_its_own_events(n: int, earlier: bool) -> None:
    """Each state is made once, after the one that it goes on from; together they hold the events of the subset."""
    made = plan(n, earlier)
    behind: dict[int, list[int]] = {0: [], 1: [-1]}
    for stage in made.stages:
        stretches = np.split(stage.events, np.cumsum(stage.sizes)[:-1])
        for state, (parent, events) in enumerate(zip(stage.parents, stretches, strict=True), stage.first):
            assert len(events)
            behind[state] = behind[int(parent)] + events.tolist()
    assert len(behind) == made.size
    expected = [(np.flatnonzero(subset) - earlier).tolist() for subset in design(n).subsets]
    assert [behind[int(state)] for state in made.after] == expected
