"""What a model is stored as."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from all_models import INPUTS, made

from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import script, to_torchscript
from sqlscore.scoring.batch import Batch, encode_sequences

pytestmark = pytest.mark.usefixtures("one_thread")


def test_config_round_trips_through_json() -> None:
    """A config is stored with the model."""
    config = ModelConfig(embedding=8, decay_seconds=(1.0, 2.5), churn=False)
    assert ModelConfig.from_json(config.to_json()) == config


def test_export_leaves_the_model_as_it_is_and_holds_no_path() -> None:
    """An artifact travels: where it was made is nobody's business, and the same model has the same bytes."""
    torch.manual_seed(0)
    model: Any = ARCHITECTURES["gru"].build(ModelConfig(), INPUTS).train()
    first, second = to_torchscript(model), to_torchscript(model)
    assert first == second
    assert model.training
    assert len(model.embedding.frozen) == 0
    assert __file__.rsplit("/", 2)[0].encode() not in first


def test_first_calls_of_a_scripted_model_are_not_specialised_to_a_shape() -> None:
    """Batches differ in every shape, so the compiler must not start over for each."""
    model = script(ARCHITECTURES["gru"].build(ModelConfig(), INPUTS))
    for lengths in ([1], [5, 9, 1], [0, 2], [40] * 7):
        batch: Batch = encode_sequences(made(lengths, seed=len(lengths)), INPUTS)
        with torch.inference_mode():
            hidden, _ = model.encode(batch, None, None)
        assert hidden.shape[0] == len(lengths)
