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
from sqlscore.training.learning.passes import outputs_over, prefix_share

_MAX_NUMBERS = 40_000_000  # logits that are held at once
_MAX_EXAMPLES = 200_000  # of churn
_PREFIX_EVENTS = 400_000  # that are read if a model reads every prefix anew


def calibrate_actions(model: Any, data: Encoded, validation: Windows, seed: int) -> None:
    """Fit the temperature of the next-action head, in place."""
    order = np.random.default_rng(seed).permutation(len(validation.starts))
    budget = _MAX_NUMBERS // max(data.known, 1)
    order = order[np.cumsum(validation.lengths[order]) - validation.lengths[order] < budget]
    share = prefix_share(model, validation, order, _PREFIX_EVENTS)
    logits, actions = [], []
    for outputs, targets in outputs_over(model, data, validation, _groups(validation, order), share):
        known = targets.action < data.known
        logits.append(outputs.logits[known].cpu())
        actions.append(targets.action[known].cpu())
    model.heads.temperature.fill_(temperature(torch.cat(logits), torch.cat(actions)))


def calibrate_churn(model: Any, data: Encoded, parts: Sequence[Windows], seed: int) -> None:
    """Fit the churn head's monotone map on the examples of these parts, in place."""
    z, churned = [], []
    for part in parts:
        held = part.with_examples(_MAX_EXAMPLES, seed)
        for outputs, targets in outputs_over(model, data, held, _groups(held, np.arange(len(held.starts))), 0.0):
            z.append(outputs.z.cpu())
            churned.append(targets.churned.cpu())
    model.heads.platt.copy_(platt(torch.cat(z), torch.cat(churned)))


def temperature(logits: Tensor, actions: Tensor) -> float:
    """The T in [0.25, 4] that minimises the log-loss of softmax(logits / T): it is unimodal in 1 / T."""
    if len(actions) == 0 or logits.shape[1] < 2:
        return 1.0

    def log_loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits / math.exp(log_temperature), actions))

    found = minimize_scalar(log_loss, bounds=(math.log(0.25), math.log(4.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(float(found.x))


def platt(z: Tensor, churned: Tensor) -> Tensor:
    """(a, b) of sigmoid(a z + b) with a > 0 by Newton's method, held near (1, 0) by a weak prior.

    The same user is an example on several dates, so examples count for less than they are. The prior
    weighs as much as 100 examples (cf. Platt 1999, section 2.2).
    """
    x, y = z.double().clone(), churned.double().clone()
    theta = torch.tensor([1.0, 0.0], dtype=torch.float64)
    design = torch.stack([x, torch.ones_like(x)], 1)  # (Q, 2)
    prior = torch.tensor([1.0, 0.0], dtype=torch.float64)
    weight = 100 * 0.25 * torch.eye(2, dtype=torch.float64)
    for _ in range(50):
        p = torch.sigmoid(design @ theta)
        gradient = design.t() @ (p - y) + weight @ (theta - prior)
        hessian = design.t() @ (design * (p * (1 - p)).unsqueeze(1)) + weight
        step = torch.linalg.solve(hessian, gradient)
        theta = theta - step.clamp(-1.0, 1.0)
        if float(step.abs().max()) < 1e-9:
            break
    theta[0] = theta[0].clamp(min=0.05)
    return theta.float()


def _groups(validation: Windows, order: Ints) -> list[Ints]:
    return [order[group] for group in ordered_batches(validation.lengths[order], 8_192)]
