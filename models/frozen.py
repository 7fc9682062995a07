"""A model as it scores: in scoring mode, its constant tables filled; and back, to be trained on."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sqlscore.models.encoders.markov import Markov
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.models.wholes.tabled import TabledModel

COMPUTED = ("frozen", "mapped_rows")
"""The buffers that `freeze` fills from the others."""


def freeze(model: nn.Module) -> Any:
    """The same module, which scores from now on and cannot be trained."""
    model.eval().requires_grad_(False)
    if isinstance(model, Markov):
        model.counts.freeze()
    if isinstance(model, SequenceModel):
        model.embedding.freeze()
        model.counts.freeze()
    if isinstance(model, TabledModel):
        model.freeze()
    return model


def thaw(model: nn.Module) -> Any:
    """The same module, which can be trained again: what `freeze` filled is empty, and the rest as it was."""
    for name, buffer in list(model.named_buffers()):
        where, _, last = name.rpartition(".")
        if last in COMPUTED:
            setattr(model.get_submodule(where), last, torch.zeros(0, buffer.shape[-1]))
    return model.requires_grad_(True)
