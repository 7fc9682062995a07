"""The Markov model says what counting says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sqlscore.events.inputs import Inputs
from sqlscore.events.sequences import offsets_of
from sqlscore.models.config import ModelConfig
from sqlscore.models.encoders.markov import Markov
from sqlscore.models.export import script
from sqlscore.training.data.encoding import Encoded, cut_batch
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation import baselines
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.learning.counting import count_into

KNOWN = 5


def log(seed: int = 0) -> Encoded:
    """Random sequences in which an action depends on the two before; action 6 is not known."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 12, 300)
    offsets = offsets_of(lengths)
    actions = random.integers(1, KNOWN + 2, lengths.sum())
    following = (actions[1:-1] * 2 + actions[:-2]) % KNOWN + 1
    actions[2:] = np.where(random.random(len(following)) < 0.6, following, actions[2:])
    target = np.append(actions[1:], 0)
    target[offsets[1:] - 1] = 0
    times = np.arange(len(actions)) * 1_000_000
    return Encoded(
        actions[:, None], np.zeros((len(actions), 0), np.float32), times, offsets, KNOWN, ["never seen"],
        target, times + 1, np.log1p(actions).astype(np.float32),
    )  # fmt: skip


def counted(data: Encoded, order: int) -> Any:
    model = Markov(ModelConfig(architecture="markov"), Inputs(tuple("abcde")), order)
    wanted = data.target > 0
    count_into(model, data, Windows(data.offsets[:-1], data.offsets[1:], wanted, None))
    return script(model)


def test_probabilities_are_those_of_the_baseline_of_the_same_order() -> None:
    """Two implementations of one formula, one in tables and one dense."""
    data = log()
    model = counted(data, order=2)
    batch, _ = cut_batch(data, data.offsets[:-1], data.offsets[1:])
    states, _ = model.encode_each(batch, None, None)
    at = np.flatnonzero((data.target > 0) & (data.target <= KNOWN))
    pairs = transitions_at(data, at)
    dense = baselines.markov(pairs, pairs, KNOWN, 2)
    ours = torch.softmax(model.next_logits(states[at]), 1).numpy()
    np.testing.assert_allclose(ours[np.arange(len(at)), data.target[at] - 1], dense.probability, atol=1e-6)
    assert (ours.argmax(1) + 1).tolist() == dense.best.tolist()


def test_a_context_never_seen_backs_off_to_the_shorter_one() -> None:
    """Not to nothing: the last action still counts."""
    data = log()
    longer, shorter = counted(data, order=3), counted(data, order=2)
    state = torch.zeros(2, longer.state_size)
    state[:, :3] = torch.tensor([[2.0, 0.0, 3.0], [2.0, 0.0, 0.0]])  # something before nothing cannot have been seen
    found = longer.next_logits(state)
    expected = shorter.next_logits(state[:1, : shorter.state_size])
    torch.testing.assert_close(found[:1], expected)
    assert not torch.allclose(found[1:], expected)


def test_time_is_the_median_after_the_last_action() -> None:
    """Seconds after action a are a in this log."""
    data = log()
    model = counted(data, order=1)
    states = torch.zeros(KNOWN + 1, model.state_size)
    states[:, 0] = torch.arange(KNOWN + 1)
    seconds = np.arange(1, KNOWN + 1)
    np.testing.assert_allclose(model.seconds(states)[1:].numpy(), seconds, rtol=1e-5)
    quantiles = model.seconds_at(states, torch.tensor([[0.1, 0.9]]).expand(KNOWN + 1, 2))
    np.testing.assert_allclose(quantiles[1:].numpy(), np.stack([seconds, seconds], 1), rtol=1e-5)
    for more, share in ((-0.01, 0.0), (0.01, 1.0)):
        found = model.within(states[1:], torch.from_numpy(seconds + more))
        assert found.tolist() == [share] * KNOWN


def test_the_time_is_distributed_as_it_was_after_the_last_action() -> None:
    """Quantiles are those of numpy, and what is within one is its level."""
    data = log()
    gaps = np.random.default_rng(1).exponential(2.0, len(data.times)).astype(np.float32) * data.categories[:, 0]
    data = replace(data, log_gap=gaps)
    model = counted(data, order=1)
    states = torch.zeros(1, model.state_size)
    states[:, 0] = 3
    levels = torch.tensor([[0.1, 0.5, 0.9]])
    seconds = model.seconds_at(states, levels)
    after = gaps[(data.target > 0) & (data.categories[:, 0] == 3)]
    np.testing.assert_allclose(np.log1p(seconds[0].numpy()), np.quantile(after, levels[0].numpy()), rtol=0.02)
    assert model.seconds(states)[0] == seconds[0, 1]
    found = [float(model.within(states, seconds[:, i])) for i in range(3)]
    assert found == pytest.approx([0.1, 0.5, 0.9], abs=1e-4)
