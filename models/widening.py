"""A model of a larger vocabulary from one that was trained: what it knew keeps its weights, what is new has none."""

from __future__ import annotations

import torch
from torch import nn

_OF_THE_VOCABULARY = ("ngram_values", "ngram_starts", "category_starts", "sources", "targets", "shares")
"""Buffers that follow from the vocabulary itself."""


def widen(wide: nn.Module, trained: nn.Module) -> None:
    """Give a new model the weights of a trained one, in place.

    The codes of the trained one stand for the same values in the new one, and new values have higher codes. New rows
    are zeros, so that a new action means what its name says; the head that predicts actions gives it the least bias.

    Args:
        wide: A model of the same sizes that was built for a vocabulary with more values.
        trained: The model.
    """
    weights = dict(trained.named_parameters()) | dict(trained.named_buffers())
    with torch.no_grad():
        for name, new in (dict(wide.named_parameters()) | dict(wide.named_buffers())).items():
            old = weights[name]
            if name.rpartition(".")[2] in _OF_THE_VOCABULARY or name.startswith("counts."):
                continue
            if new.shape == old.shape:
                new.copy_(old)
                continue
            new.fill_(float(old.min()) if name == "heads.next_action.bias" else 0.0)
            new[tuple(slice(size) for size in old.shape)] = old
