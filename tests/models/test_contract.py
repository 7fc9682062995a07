"""What every architecture must hold to, so that the scoring path need not know which one it runs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from all_models import INPUTS, assert_near, encoded, heads, made, part, without_times
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.batch import encode_sequences

pytestmark = pytest.mark.usefixtures("one_thread")


def test_every_head_answers_for_every_sequence(models: tuple[Any, Any]) -> None:
    """Shapes, types and ranges of the runtime's contract."""
    hidden, clock = encoded(models[1], made([3, 0, 1, 20]))
    assert hidden.shape == (4, models[0].state_size)
    assert hidden.dtype == torch.float32
    assert clock.shape == (4, 2)
    assert clock.dtype == torch.int64
    out = heads(models[1], hidden)
    assert out["next"].shape == (4, len(INPUTS.actions))
    assert_near(out["next"].sum(1), torch.ones(4), 1e-5)
    assert out["seconds"].shape == out["churn"].shape == (4,)
    assert out["seconds"].dtype == torch.float64
    assert bool(((out["churn"] > 0) & (out["churn"] < 1)).all())
    assert len(out["embed"]) == 4
    assert all(bool(torch.isfinite(value).all()) for value in out.values())


def test_clock_holds_first_and_last_time(models: tuple[Any, Any]) -> None:
    """The runtime computes elapsed time from it."""
    sequences = made([5, 0, 1])
    _, clock = encoded(models[1], sequences)
    first, last = sequences.times[0], sequences.times[4]
    assert clock.tolist() == [[first, last], [NO_TIME, NO_TIME], [sequences.times[5], sequences.times[5]]]


def test_eager_and_scripted_agree(models: tuple[Any, Any]) -> None:
    """What is evaluated in training is what is scored."""
    sequences = made([7, 1, 0, 60, 2], seed=2)
    (eager, _), (scripted, _) = (encoded(model, sequences) for model in models)
    assert_near(eager, scripted, 1e-6)
    for a, b in zip(heads(models[0], eager).values(), heads(models[1], scripted).values(), strict=True):
        assert_near(a, b, 1e-5)  # where few times are likely, the median moves more than the shares do


def test_all_scores_at_once_are_those_of_each_head(models: tuple[Any, Any]) -> None:
    """`scores` computes them in another way, for speed; models without it are asked head by head."""
    if not hasattr(models[1], "scores"):
        pytest.skip("has no common pass")
    hidden, _ = encoded(models[1], made([7, 1, 60, 2], seed=8))
    elapsed = torch.tensor([0.0, 3.5, 86_400.0, 1e8], dtype=torch.float64)
    with torch.inference_mode():
        found = models[1].scores(hidden, elapsed)
        wanted = models[1].next_logits(hidden), models[1].seconds(hidden), models[1].churn(hidden, elapsed)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        if one.dtype == torch.float64:  # seconds: where few times are likely, the median moves more than the shares do
            one, other = torch.log1p(one), torch.log1p(other)
        assert_near(one, other, 1e-5)


def test_order_of_the_batch_changes_nothing(models: tuple[Any, Any]) -> None:
    """A score must not depend on neighbours."""
    sequences = made([4, 9, 1, 0, 33, 9], seed=3)
    order = np.array([5, 3, 0, 4, 2, 1])
    hidden, _ = encoded(models[1], sequences)
    shuffled, _ = encoded(models[1], sequences.select(order))
    assert_near(hidden[order], shuffled, 1e-6)


def test_a_sequence_alone_scores_as_in_a_batch(models: tuple[Any, Any]) -> None:
    """The same, at its limit: no neighbours at all."""
    sequences = made([4, 200, 1, 12], seed=4)
    together, _ = encoded(models[1], sequences)
    for i in range(4):
        alone, _ = encoded(models[1], sequences.select(np.array([i])))
        assert_near(together[i : i + 1], alone, 2e-6)


def test_state_after_every_event_is_the_state_of_that_prefix(models: tuple[Any, Any]) -> None:
    """Training and per-event history read `encode_each`; scoring reads `encode`."""
    sequences = made([17], seed=5)
    batch = encode_sequences(sequences, INPUTS)
    with torch.inference_mode():
        each, clocks = models[1].encode_each(batch, None, None)
    for n in range(1, 18):
        prefix = Sequences(
            sequences.actions[:n],
            sequences.times[:n],
            np.array([0, n]),
            {name: column[:n] for name, column in sequences.features.items()},
        )
        hidden, clock = encoded(models[1], prefix)
        assert_near(each[n - 1 : n], hidden, 1e-5)
        assert clocks[n - 1].tolist() == clock[0].tolist()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_fold_advanced_by_new_events_equals_the_whole(folds: tuple[Any, Any], data: st.DataObject) -> None:
    """An incremental refresh must give the scores of a full one."""
    models = folds
    lengths = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))
    sequences = made(lengths, seed=data.draw(st.integers(0, 1000)))
    if data.draw(st.booleans()):
        sequences = without_times(sequences)
    cuts = np.array([data.draw(st.integers(0, n)) for n in lengths])
    hidden, clock = encoded(models[1], part(sequences, np.zeros_like(cuts), cuts))
    hidden, clock = encoded(models[1], part(sequences, cuts, sequences.lengths), hidden, clock)
    whole, whole_clock = encoded(models[1], sequences)
    assert_near(hidden, whole, 1e-5)
    assert clock.tolist() == whole_clock.tolist()


def test_an_empty_sequence_leaves_its_state_as_it_is(folds: tuple[Any, Any]) -> None:
    """Users without new events keep their state bit by bit."""
    models = folds
    hidden, clock = encoded(models[1], made([3, 5]))
    after, after_clock = encoded(models[1], made([0, 2], start=1_800_000_000_000_000), hidden, clock)
    assert torch.equal(after[0], hidden[0])
    assert torch.equal(after_clock[0], clock[0])
    assert not torch.equal(after[1], hidden[1])


def test_no_event_sees_a_later_one(models: tuple[Any, Any]) -> None:
    """Training reads `encode_each`: the future must not leak, past a window's edge neither."""
    length = min(3 * getattr(models[0], "window", 50) + 3, 600)
    before, after = made([length], seed=12), made([length], seed=12)
    cut = length - 5
    actions = after.actions.to_pylist()
    actions[cut:] = ["action 3"] * (length - cut)
    after = Sequences(pa.array(actions), after.times, after.offsets, after.features)
    states = []
    for sequences in (before, after):
        with torch.inference_mode():
            batch = encode_sequences(sequences, INPUTS)
            states.append(models[1].encode_each(batch, None, None)[0])
    assert_near(states[0][:cut], states[1][:cut], 1e-5)
    assert not torch.allclose(states[0][cut:], states[1][cut:], atol=1e-3)


def test_attention_weights_of_a_sequence_sum_to_one(models: tuple[Any, Any]) -> None:
    """They explain a score event by event."""
    if not hasattr(models[1], "attention"):
        pytest.skip("has no attention")
    sequences = made([7, 0, 300, 1], seed=13)
    with torch.inference_mode():
        weights = models[1].attention(encode_sequences(sequences, INPUTS))
    assert bool((weights >= 0).all())
    sums = [float(weights[a:b].sum()) for a, b in zip(sequences.offsets, sequences.offsets[1:], strict=False)]
    assert sums == pytest.approx([1, 0, 1, 1], abs=1e-5)
    assert bool((weights[7 : 307 - models[0].window] == 0).all())


def test_one_thread_and_two_give_the_same(models: tuple[Any, Any]) -> None:
    """Scores must not depend on the machine's threads."""
    sequences = made([30] * 300, seed=9)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one, _ = encoded(models[1], sequences)
        torch.set_num_threads(2)
        two, _ = encoded(models[1], sequences)
    finally:
        torch.set_num_threads(threads)
    assert_near(one, two, 1e-6)


def test_training_mode_computes_the_same_states_as_scoring(folds: tuple[Any, Any]) -> None:
    """The encoder may lay a batch out otherwise where it needs gradients, never compute something else."""
    model = copy.deepcopy(folds[0])
    if not hasattr(model, "encoder"):
        pytest.skip("has no encoder")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    x, offsets = torch.randn(23, 32), torch.tensor([0, 5, 5, 6, 23])
    state = torch.randn(4, model.size)
    for each in (True, False):
        with torch.no_grad():
            scoring = model.encoder.eval()(x, offsets, state, each)
            training = model.encoder.train()(x, offsets, state, each)
        read = model.heads.hidden if each else model.size  # what no head reads may be left out on the way
        assert_near(scoring[:, :read], training[:, :read], 1e-6)


def test_risk_of_what_is_kept_of_a_state_is_the_risk_of_the_state(models: tuple[Any, Any]) -> None:
    """An incremental refresh moves everybody's risk from a fraction of the states."""
    if not hasattr(models[1], "churn_summary"):
        pytest.skip("has no churn head of its own")
    hidden, _ = encoded(models[1], made([3, 0, 1, 90, 20], seed=6))
    elapsed = torch.tensor([0.0, 5.0, 1e4, 3e6, 1e9]).double()
    with torch.inference_mode():
        summary = models[1].churn_summary(hidden)
        assert summary.shape[1] < hidden.shape[1] / 2
        assert_near(models[1].churn_from_summary(summary, elapsed), models[1].churn(hidden, elapsed), 1e-6)
