"""Logistic regression with an L2 penalty, and what it says of users that it did not learn from."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_STEPS, _HALVINGS = 30, 12
_NEAR = 1e-3  # of a last step: what is left after it is about its square
_OF_INTERCEPT = 1e-3  # its penalty: next to nothing, but one kind of label alone has no other optimum


def fit(x: Tensor, y: Tensor, strength: float, start: Tensor | None = None) -> Tensor:
    """The minimum of sum of losses + |weights|^2 / (2 strength), by Newton's method with halved steps.

    Args:
        x: float64 (Q, D + 1), the last column all 1.
        y: float64 (Q,) labels, 0 or 1.
        strength: the inverse of the penalty.
        start: (D + 1,) weights near the minimum.

    Returns (D + 1,) weights, the last one the intercept.
    """
    penalty = torch.full((x.shape[1],), 1 / strength, dtype=x.dtype)
    penalty[-1] = _OF_INTERCEPT
    weights = torch.zeros(x.shape[1], dtype=x.dtype) if start is None else start
    loss = _objective(x, y, penalty, weights)
    for _ in range(_STEPS):
        p = torch.sigmoid(x @ weights)
        hessian = x.t() @ (x * (p * (1 - p)).unsqueeze(1)) + torch.diag(penalty)
        step = torch.linalg.solve(hessian, x.t() @ (p - y) + penalty * weights)
        for _ in range(_HALVINGS):
            after = _objective(x, y, penalty, weights - step)
            if after <= loss:
                break
            step = step / 2
        else:
            break
        weights, loss = weights - step, after
        if float(step.abs().max()) < _NEAR:
            break
    return weights


def across_folds(x: Tensor, y: Tensor, learns: Tensor, fold: Tensor, strength: float, starts: list[Tensor]) -> Tensor:
    """(F, D + 1): fitted once for each fold, without the examples of that fold.

    Args:
        x: (Q, D + 1), see `fit`.
        y: (Q,) labels.
        learns: (Q,) which examples may be learned at all.
        fold: (Q,) the fold of each example, 0 to F - 1.
        strength: the inverse of the penalty.
        starts: F weights near the minimum.
    """
    parts = [learns & (fold != number) for number in range(len(starts))]
    return torch.stack([fit(x[part], y[part], strength, start) for part, start in zip(parts, starts, strict=True)])


def _objective(x: Tensor, y: Tensor, penalty: Tensor, weights: Tensor) -> float:
    losses = F.binary_cross_entropy_with_logits(x @ weights, y, reduction="sum")
    return float(losses + 0.5 * (penalty * weights * weights).sum())
