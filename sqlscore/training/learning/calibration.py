"""Probabilities that mean what they say: fitted on validation, stored in the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from sqlscore.arrays import Ints
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.mixture import Judged, effective, evenly
from sqlscore.training.learning.passes import outputs_over, prefix_share

_MAX_NUMBERS = 40_000_000  # logits that are held at once
_PREFIX_EVENTS = 400_000  # that are read if a model reads every prefix anew
_USUAL = 0.1  # the standard deviation of the normal prior of a temperature's logarithm: how far it lies from 0


def calibrate_actions(model: Any, data: Encoded, validating: Sequence[Windows], seed: int) -> Judged:
    """Fit the temperature of the next-action head, in place.

    Args:
        model: What is calibrated.
        data: The log in the model's codes.
        validating: The later period, and other users, who count as much, if there are any: see `Judged`.
        seed: Of what is left out of a large part.

    Returns the probabilities that it then gives to what happened.
    """
    parts = [_said(model, data, part, seed) for part in validating]
    logits, actions, at = (torch.cat(values) for values in zip(*parts, strict=True))
    later = len(parts[0][1])
    weights = torch.from_numpy(evenly(later, len(actions) - later).astype(np.float32))
    found = temperature(logits, actions, weights)
    model.heads.temperature.fill_(found)
    said = -F.cross_entropy(logits / found, actions, reduction="none").double()
    return Judged(at.numpy(), np.exp(said.numpy()), later)


def _said(model: Any, data: Encoded, part: Windows, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (P, V) at targets with known actions, these (P,), and the log's indices of the events before (P,)."""
    order = np.random.default_rng(seed).permutation(len(part.starts))
    budget = _MAX_NUMBERS // max(data.known, 1)
    order = order[np.cumsum(part.lengths[order]) - part.lengths[order] < budget]
    share = prefix_share(model, part, order, _PREFIX_EVENTS)
    logits, actions, at = [torch.zeros(0, data.known)], [torch.zeros(0, dtype=torch.int64)], [np.zeros(0, np.int64)]
    for outputs, targets in outputs_over(model, data, part, _groups(part, order), share):
        known = (targets.action < data.known).cpu()
        logits.append(outputs.logits.cpu()[known])
        actions.append(targets.action.cpu()[known])
        at.append(targets.at[known.numpy()])
    return torch.cat(logits), torch.cat(actions), torch.from_numpy(np.concatenate(at))


def temperature(logits: Tensor, actions: Tensor, weights: Tensor | None = None) -> float:
    """The T in [0.25, 4] that minimises the log-loss of softmax(logits / T), held near 1 where targets are few.

    The log-loss is unimodal in 1 / T.

    Args:
        logits: (P, V).
        actions: (P,) what happened.
        weights: (P,) of mean 1; None: all 1.
    """
    if len(actions) == 0 or logits.shape[1] < 2:
        return 1.0

    targets = len(actions) if weights is None else effective(weights.double().numpy())

    def loss(log_temperature: float) -> float:
        each = F.cross_entropy(logits / math.exp(log_temperature), actions, reduction="none")
        log_loss = float(each.mean() if weights is None else each @ weights / len(each))
        return log_loss + (log_temperature / _USUAL) ** 2 / (2 * targets)

    found = minimize_scalar(loss, bounds=(math.log(0.25), math.log(4.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(float(found.x))


def _groups(validation: Windows, order: Ints) -> list[Ints]:
    return [order[group] for group in ordered_batches(validation.lengths[order], 8_192)]
