"""The regressions behind a head: a (multinomial) logistic one, its losses, and its calibration."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sqlscore.arrays import Floats, Ints

_LEAST = 1e-6


def logistic(x: Floats, kinds: Ints, classes: int, strength: float) -> tuple[Floats, Floats]:
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


def scale_of(z: Floats, truth: Ints, few: bool = False) -> Floats:
    """Platt's a and b (1999) by Newton steps for one column; 1 / temperature (Guo et al. 2017) and 0 for classes.

    Neither of too few labels: then 1 and 0.
    """
    if few:
        return np.array([1.0, 0.0])
    if z.shape[1] > 1:
        tried = np.geomspace(0.3, 3.0, 25)
        losses = [float(log_losses(z * factor, truth).mean()) for factor in tried]
        return np.array([tried[int(np.argmin(losses))], 0.0])
    if len(np.unique(truth)) < 2 or float(z.std()) < _LEAST:
        return np.array([1.0, 0.0])
    fitted = LogisticRegression(C=1e4, solver="lbfgs").fit(z, truth)
    slope = float(fitted.coef_[0, 0])
    return np.array([slope, float(fitted.intercept_[0])]) if slope > 0 else np.array([1.0, 0.0])


def log_losses(z: Floats, truth: Ints) -> Floats:
    """(N, 1) logits of yes, or (N, K) of classes, and the true class -> (N,) log-losses."""
    if z.shape[1] == 1:
        return np.asarray(np.logaddexp(0.0, np.where(truth > 0, -z[:, 0], z[:, 0])))
    return np.asarray(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), truth])
