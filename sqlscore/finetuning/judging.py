"""How good answers about labels are, beside those of the baselines on the same labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from sqlscore.arrays import Floats, Ints
from sqlscore.finetuning.labels import Labels
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import Head

LEVELS = np.array([0.1, 0.5, 0.9])
_POWER = 1.5  # of the Tweedie deviance: between a count's and an amount's spread
_BINS = 10
NOISE = 2.0
_LEAST = 1e-6
NAMES = {
    "base_rate": "the mean of all labels",
    "last_time": "the user's last label",
    "logistic_regression": "logistic regression on counts and recency",
    "lightgbm": "LightGBM on counts and recency",
    "bg_nbd": "BG/NBD with gamma-gamma",
    "all_users": "the head of all users",
    "segment_alone": "the head of the segment alone",
    "encoder_as_it_was": "the head on the encoder as it was",
    "tuned_encoder": "the head on the tuned encoder",
}


def judge(head: Head, features: Table, labels: Labels, rows: Ints, peers: Mapping[str, Floats]) -> dict[str, Any]:
    """Figures of a head on some labels, and of the baselines; `peers` answer all labels.

    `better` is by how much a baseline's loss is above the head's, in standard errors over users: below -2 the baseline
    is better beyond noise.
    """
    numbers = labels.kind in ("count", "amount")
    chosen = features[rows]
    own = head.answers(chosen)
    found = figures(labels, rows, own)
    if numbers:
        quantiles = head.quantiles(chosen, LEVELS)
        found["coverage_80"] = float(
            ((labels.wanted[rows] >= quantiles[:, 0]) & (labels.wanted[rows] <= quantiles[:, 2])).mean()
        )
        found["below_p90"] = float((labels.wanted[rows] <= quantiles[:, 2]).mean())
        likely = head.probabilities(chosen)[:, 1]
        found["mean_probability_of_more"] = float(likely.mean())
        found["share_of_more"] = float((labels.wanted[rows] > 0).mean())
    loss = losses(labels, rows, own)
    found["baselines"] = {}
    for name, told in peers.items():
        other = losses(labels, rows, told[rows])
        found["baselines"][name] = {
            **figures(labels, rows, told[rows]),
            "better": in_errors(other - loss, labels.user[rows]),
        }
    return found


def figures(labels: Labels, rows: Ints, told: Floats) -> dict[str, Any]:
    """Figures of (M, K) probabilities, or of (M, 1) means of numbers."""
    wanted = labels.wanted[rows]
    found: dict[str, Any] = {"n": len(rows), "users": len(np.unique(labels.user[rows]))}
    found["loss"] = float(losses(labels, rows, told).mean())
    if labels.kind in ("count", "amount"):
        mean = told[:, 0]
        found |= {
            "mean_label": float(wanted.mean()),
            "mean_expected": float(mean.mean()),
            "mean_absolute_error": float(np.abs(mean - wanted).mean()),
            "auc_of_more": _auc(wanted > 0, mean),
        }
        return found
    truth = wanted.astype(np.int64)
    if labels.kind == "classes":
        found["accuracy"] = float((told.argmax(1) == truth).mean())
        return found
    p = told[:, 1]
    found |= {
        "share": float(truth.mean()),
        "mean_probability": float(p.mean()),
        "auc": _auc(truth > 0, p),
        "brier": float(((p - truth) ** 2).mean()),
        "calibration_error": calibration_error(p, truth),
    }
    return found


def losses(labels: Labels, rows: Ints, told: Floats) -> Floats:
    """(M,) log-losses, or Tweedie deviances of power 1.5 for numbers."""
    wanted = labels.wanted[rows]
    if labels.kind in ("count", "amount"):
        mean = np.maximum(told[:, 0], _LEAST)
        first = wanted ** (2 - _POWER) / ((1 - _POWER) * (2 - _POWER))
        return np.asarray(
            2 * (first - wanted * mean ** (1 - _POWER) / (1 - _POWER) + mean ** (2 - _POWER) / (2 - _POWER))
        )
    return -np.log(np.maximum(told[np.arange(len(rows)), wanted.astype(np.int64)], _LEAST))


def calibration_error(p: Floats, truth: npt.NDArray[np.integer]) -> float:
    """Mean distance between claimed and true shares in ten bins of as many labels."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(abs(p[part].mean() - truth[part].mean()) * len(part) for part in parts) / max(len(p), 1))


def verdict(kind: str, judged: Mapping[str, Any]) -> list[str]:
    """One sentence for each part that was judged, and where it is judged as spend, how models of buying alone do."""
    return [
        _sentence(kind, name, found) + _beside(found["baselines"].get("bg_nbd"), found["baselines"])
        for name, found in judged.items()
        if found
    ]


_PARTS = {"later": "On later moments", "other_users": "On users that it never saw"}


def _sentence(kind: str, part: str, found: Mapping[str, Any]) -> str:
    peers = found["baselines"]
    best = min(peers, key=lambda name: peers[name]["loss"])
    what = {"yes_no": "log-loss", "classes": "log-loss"}.get(kind, "deviance")
    said = f"{_PARTS[part]} ({found['n']:,} labels): {what} {found['loss']:.3f}"
    if found.get("auc") is not None:
        said += f", ROC AUC {found['auc']:.3f}"
    peer = f"{NAMES[best]} ({peers[best]['loss']:.3f})"
    distance = peers[best]["better"]
    if distance > NOISE:
        return f"{said}; better than the best baseline, {peer}."
    if distance >= -NOISE:
        return f"{said}; no better than {peer} beyond noise."
    return f"{said}; worse than {peer} beyond noise: do not rely on this head, use that baseline or more labels."


def _beside(buying: Mapping[str, Any] | None, peers: Mapping[str, Any]) -> str:
    """How the head compares with BG/NBD, unless that is the best baseline, of which all is said."""
    if buying is None or buying["loss"] <= min(peer["loss"] for peer in peers.values()):
        return ""
    distance = buying["better"]
    how = "better than" if distance > NOISE else "worse than" if distance < -NOISE else "no better beyond noise than"
    return f" The head is {how} {NAMES['bg_nbd']} ({buying['loss']:.3f})."


def _auc(truth: npt.NDArray[np.bool_], told: Floats) -> float | None:
    return float(roc_auc_score(truth, told)) if 0 < truth.sum() < len(truth) else None


def in_errors(difference: Floats, user: Ints) -> float:
    """The sum of differences in standard errors over users."""
    each = np.bincount(user, weights=difference)
    spread = float(np.sqrt((each**2).sum()))
    return float(each.sum() / spread) if spread > 0 else 0.0
