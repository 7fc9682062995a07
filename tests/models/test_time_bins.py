"""The time to the next event as bins: quantiles and chances are two readings of one distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from all_models import assert_near, encoded, made, part
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.models.time_bins import BINS, TimeBins
from sqlscore.training.learning.gap_bins import edges_of, shares_of

VISIT = float(np.log1p(1800.0))


def bins(shift: float = 0.0) -> TimeBins:
    made_of = TimeBins()
    made_of.shift.fill_(shift)
    return made_of


@given(
    st.integers(0, 1000),
    st.floats(-4, 4),
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
    st.floats(0.1, 10),
)
def test_quantiles_rise_and_what_is_within_one_is_its_level(
    seed: int, shift: float, levels: list[float], spread: float
) -> None:
    """Also of shifted distributions, and of such that are nearly sure."""
    of = bins(shift)
    logits = spread * torch.randn(5, BINS, generator=torch.Generator().manual_seed(seed))
    asked = torch.tensor(sorted(levels)).expand(5, -1)
    found = of.quantiles(logits, asked)
    assert bool((found.diff(dim=1) >= 0).all())
    assert bool(((found >= 0) & (found <= 18)).all())
    for column, level in enumerate(sorted(levels)):
        assert_near(of.within(logits, found[:, column]), torch.full((5,), level), 2e-4)


@given(st.integers(0, 1000), st.lists(st.floats(0, 25), min_size=2, max_size=8))
def test_chances_rise_with_the_time_and_are_the_shares_of_the_bins(seed: int, times: list[float]) -> None:
    """At an edge, all that is below it."""
    of = bins()
    logits = torch.randn(1, BINS, generator=torch.Generator().manual_seed(seed))
    found = [float(of.within(logits, torch.tensor([time]))) for time in sorted(times)]
    assert all(more >= less - 1e-6 for less, more in zip(found, found[1:], strict=False))
    edges = of.edges
    at_edges = torch.cat([of.within(logits, edge[None]) for edge in edges])
    assert_near(at_edges.diff(), torch.softmax(logits, 1)[0], 1e-5)
    for time in times:
        of_time = torch.tensor([min(time, 18.0)])
        assert edges[of.bin_of(of_time)] <= of_time <= edges[of.bin_of(of_time) + 1]


def test_a_bin_is_closed_at_its_upper_edge() -> None:
    """So that "within a day" holds what came after exactly a day."""
    of = bins()
    assert of.bin_of(of.edges[1:]).tolist() == list(range(BINS))
    assert of.bin_of(torch.tensor([0.0, 99.0])).tolist() == [0, BINS - 1]


def test_the_median_is_the_quantile_of_a_half(models: tuple[Any, Any]) -> None:
    """For every architecture, eager and exported, and for all scores at once."""
    hidden, _ = encoded(models[1], made([3, 1, 20], seed=3))
    levels = torch.tensor([0.1, 0.5, 0.9]).expand(3, 3)
    with torch.inference_mode():
        for model in models:
            times = model.seconds_at(hidden, levels)
            assert times.dtype == torch.float64
            assert bool((times.diff(dim=1) >= 0).all())
            assert_near(torch.log1p(times[:, 1]), torch.log1p(model.seconds(hidden)), 1e-5)
            if hasattr(model, "heads"):
                for column, level in enumerate((0.1, 0.5, 0.9)):
                    assert_near(model.within(hidden, times[:, column]), torch.full((3,), level), 1e-3)


def test_a_state_that_was_advanced_has_the_same_distribution(folds: tuple[Any, Any]) -> None:
    """An incremental refresh must not move it."""
    model, sequences = folds[1], made([9, 30, 4], seed=5)
    cut = np.array([4, 29, 1])
    first = encoded(model, part(sequences, np.zeros_like(cut), cut))
    advanced, _ = encoded(model, part(sequences, cut, sequences.lengths), *first)
    whole, _ = encoded(model, sequences)
    seconds = torch.tensor([10.0, 3_600.0, 1e6], dtype=torch.float64)
    with torch.inference_mode():
        assert_near(model.within(advanced, seconds), model.within(whole, seconds), 1e-4)


@given(st.integers(0, 1000), st.sampled_from([0, 1, 5, 2_000]), st.floats(0, 1), st.sampled_from([60.0, 1800.0, 1e7]))
def test_edges_rise_and_the_end_of_a_visit_is_one(seed: int, size: int, same: float, visit: float) -> None:
    """Whatever the gaps: none, a few, all the same."""
    random = np.random.default_rng(seed)
    gaps = np.where(random.random(size) < same, 4.0, random.uniform(0, 17, size)).astype(np.float32)
    edges = edges_of(gaps, BINS, visit)
    assert len(edges) == BINS + 1
    assert edges[0] == 0
    assert np.diff(edges).min() > 5e-4
    assert edges[-1] >= gaps.max(initial=0.0)
    assert np.abs(edges - np.log1p(visit)).min() < 0.03
    shares = shares_of(gaps, edges)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0


def test_a_gap_that_very_many_have_is_in_a_bin_of_its_own() -> None:
    """A log whose times are days: the chance up to a day is then the share of one-day gaps, not a part of it."""
    gaps = np.log1p(86_400.0 * np.random.default_rng(0).choice([1, 2, 3], 1_000, p=[0.6, 0.2, 0.2]))
    edges = edges_of(gaps, BINS, 1800.0)
    shares = shares_of(gaps, edges)
    one_day = np.searchsorted(edges[1:-1], np.log1p(86_400.0))
    assert edges[one_day + 1] == pytest.approx(np.log1p(86_400.0))
    assert edges[one_day + 1] - edges[one_day] < 0.01
    assert shares[one_day] == pytest.approx(0.6, abs=0.03)
