"""What no architecture may stumble over: few or very many events, odd times and numbers, actions never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from all_models import FAR_FUTURE, INPUTS, assert_near, encoded, heads, made, part, without_times

from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import Sequences
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.scoring.batch import encode_sequences

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("lengths", [[], [0], [0, 0, 0], [1]])
def test_hardly_any_events_are_fine(models: tuple[Any, Any], lengths: list[int]) -> None:
    """Engines pass empty batches too."""
    for model in models:
        hidden, clock = encoded(model, made(lengths))
        assert hidden.shape[0] == clock.shape[0] == len(lengths)
        assert all(bool(torch.isfinite(value).all()) for value in heads(model, hidden).values())


def test_unknown_actions_alone_still_score_and_differ_by_name(models: tuple[Any, Any]) -> None:
    """A never-seen action is read through its name, so two of them are not the same thing."""
    if not hasattr(models[0], "events"):
        pytest.skip("counts codes alone")
    found = []
    for name in ("action 1 again", "Ωmega"):
        one = made([4])
        found.append(encoded(models[1], Sequences(pa.array([name] * 4), one.times, one.offsets, one.features))[0])
    assert bool(torch.isfinite(found[0]).all())
    assert not torch.allclose(found[0], found[1], atol=1e-4)


def test_a_novel_action_does_not_depend_on_the_batch_it_comes_in(models: tuple[Any, Any]) -> None:
    """Its code is given per batch; its vector must come from its name alone."""
    base = made([3, 3], seed=7)
    actions = pa.array(["x1", "new thing", "y", "q", "new thing", "x1"])
    together = Sequences(actions, base.times, base.offsets, base.features)
    hidden, _ = encoded(models[1], together)
    alone, _ = encoded(models[1], together.select(np.array([1])))
    assert_near(hidden[1:], alone, 5e-6)


@pytest.mark.parametrize("start", [-(10**17), 0, FAR_FUTURE])
def test_times_before_1970_and_in_the_far_future_are_fine(models: tuple[Any, Any], start: int) -> None:
    """DuckDB's TIMESTAMP spans 580,000 years."""
    sequences = made([6, 2], start=start)
    wide = Sequences(sequences.actions, sequences.times, sequences.offsets, sequences.features)
    wide.times[0] = -FAR_FUTURE
    hidden, _ = encoded(models[1], wide)
    assert bool(torch.isfinite(hidden).all())
    assert all(bool(torch.isfinite(value).all()) for value in heads(models[1], hidden).values())


def test_plain_lists_without_times_score(models: tuple[Any, Any]) -> None:
    """`VARCHAR[]` has actions and no times."""
    with_times = made([8, 1])
    hidden, clock = encoded(models[1], without_times(with_times))
    assert bool((clock == NO_TIME).all())
    timed, clock = encoded(models[1], with_times)
    assert bool((clock != NO_TIME).all())
    if hasattr(models[0], "summary"):  # counts of actions have times in the clock alone
        assert not torch.allclose(hidden, timed)
    assert bool(torch.isfinite(heads(models[1], hidden)["next"]).all())


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0])
def test_extreme_numbers_give_finite_scores(models: tuple[Any, Any], value: float) -> None:
    """A bad price must not turn a user's scores into NaN."""
    sequences = made([5])
    sequences.features["price"] = pa.array([value] * 5, pa.float64())
    batch = encode_sequences(sequences, INPUTS)
    batch.numbers[:, 0] = float(np.float32(value))  # even where the batch would have cleaned it
    with torch.inference_mode():
        hidden, _ = models[1].encode(batch, None, None)
    assert all(bool(torch.isfinite(out).all()) for out in heads(models[1], hidden).values())


def test_strange_elapsed_times_give_probabilities(models: tuple[Any, Any]) -> None:
    """An as_of before the last event, at it, or ages later."""
    hidden, _ = encoded(models[1], made([3, 3, 3, 3]))
    with torch.inference_mode():
        risk = models[1].churn(hidden, torch.tensor([-5.0, 0.0, 1e13, float("nan")]).double())
    assert bool(((risk >= 0) & (risk <= 1)).all())


@pytest.mark.slow
def test_a_user_of_100_000_events_scores_and_folds(folds: tuple[Any, Any]) -> None:
    """Robots and shared accounts exist."""
    models = folds
    sequences = made([100_000, 2], start=0)
    hidden, _ = encoded(models[1], sequences)
    assert bool(torch.isfinite(hidden).all())
    cuts = np.array([60_000, 1])
    first = encoded(models[1], part(sequences, np.zeros_like(cuts), cuts))
    folded, _ = encoded(models[1], part(sequences, cuts, sequences.lengths), *first)
    assert_near(folded, hidden, 1e-5)


def test_longer_than_the_window_scores_as_its_newest_events(windowed: tuple[Any, Any]) -> None:
    """What leaves the window is forgotten by the encoder and by the summaries."""
    for model in windowed:
        window = model.window
        sequences = made([2 * window + 5, window + 1, 3], seed=11)
        newest = sequences.newest(window)
        assert_near(encoded(model, sequences)[0], encoded(model, newest)[0], 1e-6)
        assert encoded(model, sequences)[1].tolist() == encoded(model, newest)[1].tolist()


def test_with_many_actions_all_scores_at_once_are_those_of_each_head() -> None:
    """Above some hundred actions there is no direct path from the summaries to each."""
    torch.manual_seed(2)
    inputs = Inputs(tuple(f"action {i}" for i in range(300)))
    model: Any = ARCHITECTURES["gru"].build(ModelConfig(architecture="gru"), inputs).eval()
    assert not model.heads.direct
    for parameter in model.heads.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    hidden, elapsed = torch.rand(5, model.state_size), torch.rand(5).double() * 1e5
    with torch.inference_mode():
        found = model.scores(hidden, elapsed)
        wanted = model.next_logits(hidden), model.seconds(hidden), model.churn(hidden, elapsed)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
