"""How good a model is on what it has not learned from, before it is trained on that too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Parts, Windows
from sqlscore.training.evaluation.metrics import mean_log_loss
from sqlscore.training.learning.passes import outputs_over, prefix_share

_EVENTS = 150_000  # of users at random
_PREFIX_EVENTS = 400_000
_CELLS = 4_000_000  # probabilities that are held at once


def validated(
    model: Any, data: Encoded, parts: Parts, seed: int, decision: tuple[float, ...] | None = None
) -> dict[str, Any]:
    """The figures of people the model never saw, in its own period, and of those it knows, in the next period.

    Args:
        model: what is judged.
        data: the log in its codes.
        parts: of the log.
        seed: of the sample of users.
        decision: (V,) the weight of each action when the next one is chosen; None: all 1.
    """
    churn, judged = parts.churn, partial(figures, model, data, seed=seed, decision=decision)
    return {
        "held_out_users": _both(judged, parts.held_out, churn.held_out if churn else None),
        "same_users_later": _both(judged, parts.same_users, churn.same_users if churn else None),
    }


def _both(
    judged: Callable[[Windows], dict[str, Any]], part: Windows | None, churn: Windows | None
) -> dict[str, Any] | None:
    """The figures of the next action on one part, and of churn on another; None if there is neither."""
    if part is None and churn is None:
        return None
    nothing = {"next_action": {"n": 0, "accuracy": None, "log_loss": None}, "churn": None}
    found = nothing if part is None else judged(part)
    return found | {"churn": None if churn is None else judged(churn)["churn"]}


def figures(
    model: Any, data: Encoded, part: Windows, seed: int, decision: tuple[float, ...] | None = None
) -> dict[str, Any]:
    """Accuracy and log-loss of the next action, ROC AUC and log-loss of churn, over a sample of a part's users."""
    weights = np.ones(data.known, np.float32) if decision is None else np.array(decision, np.float32)
    order = np.random.default_rng(seed).permutation(len(part.starts))
    order = order[np.cumsum(part.lengths[order]) - part.lengths[order] < _EVENTS]
    batches = [
        order[group] for group in ordered_batches(part.lengths[order], max(32, min(8_192, _CELLS // data.known)))
    ]
    share = prefix_share(model, part, order, _PREFIX_EVENTS)
    correct, known = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
    probability, risk, churned = ([np.zeros(0, np.float32)] for _ in range(3))
    for outputs, targets in outputs_over(model, data, part, batches, share):
        probabilities = model.counts.mixed(outputs.logits, outputs.recent).softmax(1).cpu().numpy()
        action = targets.action.cpu().numpy()
        correct.append((probabilities * weights).argmax(1) == action)
        inside = np.minimum(action, data.known - 1)
        probability.append(probabilities[np.arange(len(action)), inside])
        known.append(action < data.known)
        calibrated = outputs.z * model.heads.platt[0] + model.heads.platt[1]
        risk.append(calibrated.sigmoid().cpu().numpy())
        churned.append(targets.churned.cpu().numpy())
    hit, seen = np.concatenate(correct), np.concatenate(known)
    of_actual, p, gone = (np.concatenate(values) for values in (probability, risk, churned))
    return {
        "next_action": {
            "n": len(hit),
            "accuracy": float(hit.mean()) if len(hit) else None,
            "log_loss": mean_log_loss(seen.astype(np.int64), of_actual.astype(np.float64)) if len(hit) else None,
        },
        "churn": _churn(gone > 0, p.astype(np.float64)) if part.churn is not None else None,
    }


def _churn(churned: np.ndarray[Any, np.dtype[np.bool_]], risk: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    both = len(np.unique(churned)) == 2
    return {
        "n": len(churned),
        "auc": float(roc_auc_score(churned, risk)) if both else None,
        "log_loss": float(log_loss(churned, risk)) if both else None,
    }
