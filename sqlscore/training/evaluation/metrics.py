"""Figures of quality from predictions and what happened; from scikit-learn if it has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from sqlscore.arrays import Floats, Ints
from sqlscore.training.evaluation.baselines import Guess

_TINY = 1e-12


def next_action_metrics(
    following: Ints, best: Ints, in_top3: npt.NDArray[np.bool_], probability: Floats, confidence: Floats
) -> dict[str, Any]:
    """All (P,): actual codes (0: never seen in training), predicted codes, whether the actual one is among the first
    three, its probability, and the probability of the predicted one.

    An action never seen in training counts as missed; its log-loss is left out, as nobody gives it a probability.
    """
    if len(following) == 0:
        return {"n": 0, "accuracy": None, "top3": None, "log_loss": None, "macro_f1": None, "ece": None}
    correct = best == following
    return {
        "n": len(following),
        "accuracy": float(accuracy_score(following, best)),
        "top3": float(in_top3.mean()),
        "log_loss": mean_log_loss(following, probability),
        "macro_f1": macro_f1(following, best),
        "ece": calibration_error(confidence, correct),
    }


def baseline_metrics(following: Ints, guess: Guess) -> dict[str, Any]:
    """The next-action figures that a baseline has."""
    if len(following) == 0:
        return {"accuracy": None, "log_loss": None, "macro_f1": None}
    return {
        "accuracy": float(accuracy_score(following, guess.best)),
        "log_loss": mean_log_loss(following, guess.probability),
        "macro_f1": macro_f1(following, guess.best),
    }


def mean_log_loss(following: Ints, probability: Floats) -> float | None:
    """Mean of -log(probability of what happened), over actions that training has seen."""
    known = following > 0
    return float(0.0 - np.log(np.clip(probability[known], _TINY, 1.0)).mean()) if known.any() else None


def macro_f1(following: Ints, best: Ints) -> float:
    """Over the actions that occur."""
    return float(f1_score(following, best, labels=np.unique(following), average="macro", zero_division=0.0))


def calibration_error(confidence: Floats, correct: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over bins of equal width (Naeini et al. 2015; Guo et al. 2017, eq. 3)."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(which, minlength=bins)
    said = np.bincount(which, confidence, minlength=bins)
    held = np.bincount(which, correct.astype(np.float64), minlength=bins)
    return float(np.abs(said - held).sum() / counts.sum())


def reliability(confidence: Floats, correct: npt.NDArray[np.bool_], bins: int = 20) -> list[list[float]]:
    """For each of `bins` bins of equal width: how many (P,) predictions, the sum of their probabilities, how many came
    true. The view `reliability_bins` makes rates of them."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    weights = (None, confidence, correct.astype(np.float64))
    columns = (np.bincount(which, weight, minlength=bins) for weight in weights)
    return [[float(value) for value in row] for row in zip(*columns, strict=True)]


QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
"""Those of the time to the next event that are judged: their names and levels."""


def time_metrics(log_gap: Floats, predicted: Floats, baselines: dict[str, Floats]) -> dict[str, Any]:
    """How good quantiles of the time to the next event are, on a logarithmic scale and in seconds.

    Args:
        log_gap: (P,) log(1 + seconds) to what happened.
        predicted: (P, 3) the same of the predicted QUANTILES; NaN where a model knows the median alone.
        baselines: (P, 3) of each baseline, by its name.

    Returns "n", the figures of the prediction, and "baselines" with those of each, all None if there is nothing to
    judge: "mean_log10_error" (of 1 + seconds, by the median: 0.3 is a factor of 2), "pinball_p10" and so on (the loss
    whose minimum is the quantile, Koenker & Bassett 1978, of the same logarithm), "coverage_p10" and so on (the share
    that came no later), "mae_seconds" and "median_ae_seconds".
    """
    return {
        "n": len(log_gap),
        **_errors(log_gap, predicted),
        "baselines": {name: _errors(log_gap, quantiles) for name, quantiles in baselines.items()},
    }


def churn_metrics(churned: npt.NDArray[np.bool_], probability: Floats, elapsed: Floats, seen: Ints) -> dict[str, Any]:
    """(Q,) labels and probabilities, beside ranking by time since the last event, and by few events."""
    rate = float(churned.mean()) if len(churned) else None
    found: dict[str, Any] = {"n": len(churned), "base_rate": rate}
    if len(np.unique(churned)) < 2:
        found |= dict.fromkeys(("auc", "pr_auc", "brier", "log_loss", "ece"))
        return found | {"baselines": {"recency": {"auc": None}, "frequency": {"auc": None}}}
    return found | {
        "auc": float(roc_auc_score(churned, probability)),
        "pr_auc": float(average_precision_score(churned, probability)),
        "brier": float(brier_score_loss(churned, probability)),
        "log_loss": float(log_loss(churned, probability)),
        "ece": calibration_error(probability, churned, 10),
        "baselines": {
            "recency": {"auc": float(roc_auc_score(churned, elapsed))},
            "frequency": {"auc": float(roc_auc_score(churned, -seen))},
        },
    }


def _errors(log_gap: Floats, predicted: Floats) -> dict[str, float | None]:
    later = (log_gap[:, None] - predicted) / np.log(10)  # (P, 3)
    missed = np.abs(np.expm1(log_gap) - np.expm1(predicted[:, 1]))
    found: dict[str, Floats] = {"mean_log10_error": np.abs(later[:, 1])}
    for (name, level), missed_by in zip(QUANTILES.items(), later.T, strict=True):
        found[f"pinball_{name}"] = np.maximum(level * missed_by, (level - 1) * missed_by)
        found[f"coverage_{name}"] = np.where(np.isnan(missed_by), np.nan, missed_by <= 0)
    means = {name: _number(values.mean()) if len(values) else None for name, values in found.items()}
    seconds = {"mae_seconds": missed.mean(), "median_ae_seconds": np.median(missed)} if len(missed) else {}
    return means | {name: float(seconds[name]) if seconds else None for name in ("mae_seconds", "median_ae_seconds")}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
