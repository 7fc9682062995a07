"""Features and labels -> a head: a regularised linear model, its strength and calibration found on other users.

Small on purpose: with the encoder frozen, a few hundred weights are learned, by Newton steps, in seconds on one core.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from sqlscore.arrays import Floats, Ints
from sqlscore.finetuning.labels import Labels
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import LEVELS, Head

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse strengths of regularisation that are tried."""

_FOLDS = 5
_ONE_FOLD_FROM = 2_500  # labels: from here on one fold of users says enough
_MOST = 200_000  # labels that are learned from; more of them change a few hundred weights by little
_LEAST = 1e-6


@dataclass(frozen=True)
class Learned:
    """A head, and the strengths that it was learned with."""

    head: Head
    strength: float
    amount_strength: float


def learn(
    features: Table,
    labels: Labels,
    rows: Ints,
    seed: int,
    chosen: tuple[float, float] | None = None,
    calibrated: bool = True,
) -> Learned:
    """Learn a head from some labels.

    Args:
        features: (N, P) of all labels.
        labels: N labels.
        rows: which of them are learned from.
        seed: of the folds.
        chosen: strengths that were found before; None tries STRENGTHS on users that were left out.
        calibrated: whether to calibrate on users that were left out; without it and with `chosen` nobody is.
    """
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST, replace=False))
    part, wanted = features[rows].astype(np.float64), labels.wanted[rows]
    mean, spread = part.mean(0), part.std(0)
    spread[spread < _LEAST] = 1.0
    x = np.clip((part - mean) / spread, -4.0, 4.0)
    folds = list(_folds(labels.user[rows], len(rows), seed)) if calibrated or chosen is None else []
    numbers = labels.kind in ("count", "amount")
    classes = len(labels.values) if labels.kind == "classes" else 2
    kinds = (wanted > 0).astype(np.int64) if numbers else wanted.astype(np.int64)
    strength, scale = _choose(x, kinds, classes, folds, None if chosen is None else chosen[0])
    weights, bias = _logistic(x, kinds, classes, strength)
    nothing = np.zeros(0)
    amount_strength, amount_weights, level, residuals = 1.0, nothing, np.zeros(4), nothing
    if numbers:
        amount_strength, amount_weights, level, residuals = _amounts(
            x, wanted, folds, None if chosen is None else chosen[1]
        )
    head = Head(labels.kind, labels.values, mean, spread, weights, bias, scale, amount_weights, level, residuals)
    return Learned(head, strength, amount_strength)


def _folds(user: Ints, size: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """(learned, judged) rows, no user in both."""
    fold = np.random.default_rng(seed).permutation(int(user.max()) + 1)[user] % _FOLDS
    for k in range(1 if size >= _ONE_FOLD_FROM else _FOLDS):
        learned, judged = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        if len(learned) and len(judged):
            yield learned, judged


def _choose(
    x: Floats, kinds: Ints, classes: int, folds: list[tuple[Ints, Ints]], given: float | None
) -> tuple[float, Floats]:
    """The strength with the least log-loss on users that were left out, and the calibration there."""
    best: tuple[float, float, Floats] | None = None
    truth = np.concatenate([kinds[judged] for _, judged in folds]) if folds else kinds[:0]
    for strength in STRENGTHS if given is None else (given,):
        margins = []
        for learned, judged in folds:
            weights, bias = _logistic(x[learned], kinds[learned], classes, strength)
            margins.append(x[judged] @ weights + bias)
        if not margins:
            return strength, np.array([1.0, 0.0])
        z = np.concatenate(margins)
        loss = float(_log_losses(z, truth).mean())
        if best is None or loss < best[1]:
            best = (strength, loss, _scale(z, truth))
    assert best is not None  # noqa: S101 - there is at least one strength
    return best[0], best[2]


def _logistic(x: Floats, kinds: Ints, classes: int, strength: float) -> tuple[Floats, Floats]:
    """-> (P, K) weights and (K,) constants; a class without examples is as unlikely as half an example makes it."""
    counts = np.bincount(kinds, minlength=classes).astype(np.float64)
    seen = np.flatnonzero(counts)
    rates = np.log((counts + 0.5) / (counts + 0.5).sum())
    if classes == 2:
        if len(seen) < 2:
            return np.zeros((x.shape[1], 1)), np.array([rates[1] - rates[0]])
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=50)
        model.fit(x, kinds)
        return model.coef_.T, model.intercept_
    weights, bias = np.zeros((x.shape[1], classes)), rates.copy()
    if len(seen) < 2:
        return weights, bias
    model = LogisticRegression(C=strength, solver="lbfgs", max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the loss on other users judges what was reached
        model.fit(x, kinds)
    if len(seen) == 2:
        weights[:, seen[1]], bias[seen] = model.coef_[0], [0.0, model.intercept_[0]]
    else:
        weights[:, seen], bias[seen] = model.coef_.T, model.intercept_
    unseen = np.setdiff1d(np.arange(classes), seen)
    bias[unseen] = bias[seen].max() + rates[unseen] - rates[seen].max()
    return weights, bias


def _scale(z: Floats, truth: Ints) -> Floats:
    """Platt's a and b (1999) by Newton steps for one column; 1 / temperature (Guo et al. 2017) and 0 for classes."""
    if z.shape[1] > 1:
        tried = np.geomspace(0.3, 3.0, 25)
        losses = [float(_log_losses(z * factor, truth).mean()) for factor in tried]
        return np.array([tried[int(np.argmin(losses))], 0.0])
    if len(np.unique(truth)) < 2 or float(z.std()) < _LEAST:
        return np.array([1.0, 0.0])
    fitted = LogisticRegression(C=1e4, solver="lbfgs").fit(z, truth)
    slope = float(fitted.coef_[0, 0])
    return np.array([slope, float(fitted.intercept_[0])]) if slope > 0 else np.array([1.0, 0.0])


def _log_losses(z: Floats, truth: Ints) -> Floats:
    if z.shape[1] == 1:
        return np.asarray(np.logaddexp(0.0, np.where(truth > 0, -z[:, 0], z[:, 0])))
    return np.asarray(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), truth])


def _amounts(
    x: Floats, wanted: Floats, folds: list[tuple[Ints, Ints]], given: float | None
) -> tuple[float, Floats, Floats, Floats]:
    """The mean log of what is more than nothing: strength, weights, level as `Head` has it, quantiles of residuals."""
    logs = np.log(np.maximum(wanted, _LEAST))
    positive = wanted > 0
    best: tuple[float, float, Floats, Floats] | None = None
    for strength in STRENGTHS if given is None else (given,):
        told, truth = [], []
        for learned, judged in folds:
            learned, judged = learned[positive[learned]], judged[positive[judged]]
            if len(learned) < 2 or not len(judged):
                continue
            told.append(Ridge(alpha=1 / strength).fit(x[learned], logs[learned]).predict(x[judged]))
            truth.append(logs[judged])
        if not told:
            continue
        mu, y = np.concatenate(told), np.concatenate(truth)
        error = float(((mu - y) ** 2).mean())
        if best is None or error < best[1]:
            best = (strength, error, mu, y)
    own = np.flatnonzero(positive)
    low, high = float(logs[own].min()), float(logs[own].max())
    strength = best[0] if best is not None else STRENGTHS[0]
    model = Ridge(alpha=1 / strength).fit(x[own], logs[own])
    mu, y = (best[2], best[3]) if best is not None else (model.predict(x[own]), logs[own])
    mu = np.clip(mu, low, high)
    factor = float(np.exp(y).sum() / np.exp(mu).sum())
    level = np.array([float(model.intercept_), np.log(max(factor, _LEAST)), low, high])
    return strength, model.coef_, level, np.quantile(y - mu, LEVELS)
