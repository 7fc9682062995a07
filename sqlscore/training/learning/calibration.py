"""Probabilities that mean what they say: fitted on validation, stored in the model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from sqlscore.arrays import Ints
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.mixture import Judged
from sqlscore.training.learning.passes import outputs_over, prefix_share

_MAX_NUMBERS = 40_000_000  # logits that are held at once
_PREFIX_EVENTS = 400_000  # that are read if a model reads every prefix anew


def calibrate_actions(model: Any, data: Encoded, validation: Windows, seed: int) -> Judged:
    """Fit the temperature of the next-action head, in place.

    Returns the probabilities that it then gives to what happened.
    """
    order = np.random.default_rng(seed).permutation(len(validation.starts))
    budget = _MAX_NUMBERS // max(data.known, 1)
    order = order[np.cumsum(validation.lengths[order]) - validation.lengths[order] < budget]
    share = prefix_share(model, validation, order, _PREFIX_EVENTS)
    logits, actions, at = [], [], []
    for outputs, targets in outputs_over(model, data, validation, _groups(validation, order), share):
        known = (targets.action < data.known).cpu()
        logits.append(outputs.logits.cpu()[known])
        actions.append(targets.action.cpu()[known])
        at.append(targets.at[known.numpy()])
    of_all, actual = torch.cat(logits), torch.cat(actions)
    found = temperature(of_all, actual)
    model.heads.temperature.fill_(found)
    said = -F.cross_entropy(of_all / found, actual, reduction="none").double()
    return Judged(np.concatenate(at), np.exp(said.numpy()))


def temperature(logits: Tensor, actions: Tensor) -> float:
    """The T in [0.25, 4] that minimises the log-loss of softmax(logits / T): it is unimodal in 1 / T."""
    if len(actions) == 0 or logits.shape[1] < 2:
        return 1.0

    def log_loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits / math.exp(log_temperature), actions))

    found = minimize_scalar(log_loss, bounds=(math.log(0.25), math.log(4.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(float(found.x))


def _groups(validation: Windows, order: Ints) -> list[Ints]:
    return [order[group] for group in ordered_batches(validation.lengths[order], 8_192)]
