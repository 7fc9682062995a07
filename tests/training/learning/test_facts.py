"""What is noted of every event once is what each pass would make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from all_models import CONFIGS, INPUTS, made
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.arrays import Ints
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.scoring.batch import encode_sequences
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning import facts
from sqlscore.training.learning.facts import facts_of, with_facts

LEARNED = [name for name, config in CONFIGS.items() if not ARCHITECTURES[config.architecture].counted]


def log_of(lengths: list[int], seed: int) -> Encoded:
    """Users of these lengths, in the codes of `INPUTS`."""
    batch = encode_sequences(made(lengths, seed=seed), INPUTS)
    categories = batch.categories.numpy().astype(np.int32)
    times, none = batch.times.numpy(), np.zeros(len(batch.times), np.float32)
    known = len(INPUTS.actions)
    novel = [f"novel {i}" for i in range(max(int(categories[:, 0].max(initial=0)) - known, 0))]
    return Encoded(
        categories, batch.numbers.numpy(), times, batch.offsets.numpy(), known, novel, categories[:, 0], times, none
    )


def model_of(name: str) -> Any:
    torch.manual_seed(0)
    return ARCHITECTURES[CONFIGS[name].architecture].build(CONFIGS[name], INPUTS)


def windows_of(data: Encoded, starts: Ints, ends: Ints, random: np.random.Generator) -> Windows:
    """Some targets and some churn examples in each stretch."""
    size = len(data.times)
    inside = np.zeros(size, np.bool_)
    for start, end in zip(starts, ends, strict=True):
        inside[start:end] = True
    position = np.flatnonzero(inside & (random.random(size) < 0.3))
    examples = Examples(
        position, random.random(len(position)), random.random(len(position)) < 0.5, np.ones(len(position), np.int64)
    )
    return Windows(starts, ends, inside & (random.random(size) < 0.6), examples)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    seed=st.integers(0, 99),
    name=st.sampled_from(LEARNED),
    training=st.booleans(),
)
def test_known_facts_are_those_that_a_pass_makes(lengths: list[int], seed: int, name: str, training: bool) -> None:
    """Of stretches that begin with their user or later, end early, and of some that are shown without times."""
    random = np.random.default_rng(seed)
    model, data = model_of(name), log_of(lengths, seed)
    data = with_facts(model, data)
    sizes = np.array(lengths)
    starts = data.offsets[:-1] + random.integers(0, 2, len(sizes)) * random.integers(0, sizes)
    ends = starts + random.integers(1, data.offsets[1:] - starts + 1)
    part = windows_of(data, starts, ends, random)
    model.train(training)
    chosen = random.permutation(len(starts))
    batch, targets = cut(data, part, chosen, random.random(len(starts)) < 0.3)
    for churn in (False, True):
        found = facts_of(model, batch, targets, data.facts, churn=churn)
        wanted = facts_of(model, batch, targets, None, churn=churn)
        assert found.shape == wanted.shape
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LEARNED)
def test_only_models_that_read_whole_histories_have_facts_beforehand(name: str) -> None:
    """In a window they depend on where it begins."""
    data = with_facts(model_of(name), log_of([3, 50, 7], 1))
    assert (data.facts is None) == (ARCHITECTURES[CONFIGS[name].architecture].max_events is not None)


def test_too_many_facts_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded whatever the log; each pass makes its own then."""
    monkeypatch.setattr(facts, "NUMBERS", 10)
    data = log_of([3, 50, 7], 1)
    assert with_facts(model_of("gru"), data).facts is None
