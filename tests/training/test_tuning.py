"""A copy of an encoder that learns a label: where it starts, what it reads, and what it never sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from all_models import CONFIGS, INPUTS, made, random_model

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.events.sequences import Sequences
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.loading import load
from sqlscore.models.stored import module_of, to_weights
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import encode_sequences
from sqlscore.scoring.label_features import label_features, plain_columns
from sqlscore.scoring.manifest import WEIGHTS, members_of, pack, sha256_of
from sqlscore.scoring.weights import read_weights
from sqlscore.training import tuning
from sqlscore.training.learning.label_net import Told, made_by
from sqlscore.training.tuning import require_tunable, tune

LEARNING = sorted(name for name, config in CONFIGS.items() if not ARCHITECTURES[config.architecture].counted)
USERS = 120


def artifact(name: str) -> tuple[bytes, Artifact]:
    model, manifest = random_model(CONFIGS[name])
    data = pack(to_weights(model), manifest)
    return data, load(data, sha256_of(data), name)


def told(events: Sequences, wanted: Ints, position: Ints, columns: int) -> Told:
    """A label a user, of which the head that was there knows nothing."""
    size, nothing = len(wanted), np.zeros(0)
    return Told(
        encode_sequences(events, INPUTS), np.arange(size), position, wanted, nothing, np.zeros(columns),
        np.ones(columns), np.zeros((columns, 1)), np.zeros((size, 1)), nothing, nothing,
    )  # fmt: skip


def by_brand(seed: int = 0) -> tuple[Sequences, Ints]:
    """Eight events of each user, all of one brand, which says yes or no."""
    events = made([8] * USERS, seed)
    wanted = np.random.default_rng(seed).integers(0, 2, USERS)
    brands = np.repeat(np.where(wanted > 0, "a", "b"), 8)
    return replace(events, features=events.features | {"brand": pa.array(brands)}), wanted


def _fast(monkeypatch: pytest.MonkeyPatch, rate: float = 5e-3) -> None:
    """What is so small must learn fast."""
    for name, value in (("RATE", rate), ("_LABELS", 16), ("_WARM_UP", 1)):
        monkeypatch.setattr(tuning, name, value)


@pytest.mark.parametrize("name", LEARNING)
def test_the_encoders_columns_are_those_that_a_head_reads(name: str) -> None:
    """Else the head that tuning starts from would be another one."""
    data, model = artifact(name)
    events = made([1, 3, 40, 200])
    states = model.encode(events)
    read = label_features(model, states, events.times[events.offsets[1:] - 1])
    own = np.delete(read, plain_columns(model), axis=1)
    module: Any = module_of(read_weights(members_of(data)[WEIGHTS]), model.manifest)
    batch = encode_sequences(events, INPUTS)
    with torch.no_grad():
        hidden = module.hidden_at(batch, batch.offsets[1:] - 1, None)
        u = module.heads.embed(hidden, module.features(torch.from_numpy(states.hidden)[:, module.size : module.body]))
        found = made_by(module, hidden, u)
    np.testing.assert_allclose(found, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LEARNING)
def test_what_decides_is_learned_by_the_encoder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _fast(monkeypatch)
    data, model = artifact(name)
    events, wanted = by_brand()
    columns = len(label_features(model, model.encode(events), events.times[7::8])[0]) - len(plain_columns(model))
    everybody = np.arange(USERS)
    labels = told(events, wanted, events.offsets[1:] - 1, columns)
    found = tune(data, labels, everybody, everybody, seed=0)
    assert found.losses[0] == pytest.approx(np.log(2), rel=1e-5)
    assert found.losses[found.best] < 0.65
    again = tune(data, labels, everybody, everybody[:20], seed=0, epochs=found.best)
    assert again.weights == found.weights  # as many epochs give the same, whoever chose how many
    own = read_weights(members_of(data)[WEIGHTS])
    tuned = read_weights(found.weights)
    assert not np.array_equal(tuned["heads.from_hidden.weight"], own["heads.from_hidden.weight"])
    for kept in (name for name in own if name.startswith("counts.") or name.endswith("temperature")):
        np.testing.assert_array_equal(tuned[kept], own[kept])


def test_events_after_the_last_label_are_never_learned() -> None:
    data, _ = artifact("gru")
    events, wanted = by_brand()
    position = events.offsets[1:] - 4
    learned, chosen_by = np.arange(80), np.arange(80, USERS)
    found = tune(data, told(events, wanted, position, 128), learned, chosen_by, seed=0)
    assert found.best > 0
    later = np.arange(8 * USERS) % 8 > 4
    changed = events.actions.to_numpy(zero_copy_only=False)
    changed[later] = "action 0"
    times = events.times + later * 1_000_000_000
    other = replace(events, actions=pa.array(changed), times=times)
    assert tune(data, told(other, wanted, position, 128), learned, chosen_by, seed=0).weights == found.weights


def test_noise_leaves_the_encoder_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no epoch is better for users that were left out, the weights are those that were there."""
    _fast(monkeypatch, 5e-2)
    data, _ = artifact("gru")
    events, wanted = by_brand()
    wrong = np.where(np.arange(USERS) < 80, wanted, 1 - wanted)
    found = tune(data, told(events, wrong, events.offsets[1:] - 1, 128), np.arange(80), np.arange(80, USERS), seed=0)
    assert found.best == 0
    assert len(found.losses) == tuning.PATIENCE + 1
    assert found.weights == members_of(data)[WEIGHTS]


def test_what_counts_has_nothing_to_tune() -> None:
    model, manifest = random_model(CONFIGS["markov"])
    with pytest.raises(TrainingError, match="m@1 \\(markov\\) counts, and has no encoder"):
        require_tunable(pack(to_weights(model), manifest), "m@1")
