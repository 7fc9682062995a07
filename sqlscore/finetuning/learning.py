"""Features and labels -> a head: two regularised linear models, mixed; all that is free is found on other users.

Small on purpose: with the encoder frozen, a few hundred weights are learned, by Newton steps, in seconds on one core.
One model reads all columns. The other reads those that are plain, each with a few knots at which it bends, since what a
count or a silence says is seldom a straight line. Few labels are enough for that one, and many for both; the share of
each is what predicts best on users that were left out. A mixture of logits is linear again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from sqlscore.arrays import Floats, Ints
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.regression import log_losses, logistic, scale_of
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import LEVELS, Head, bent

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse strengths of regularisation that are tried."""

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_KNOTS = 4  # of a plain column, at its quantiles
_MOST_KNOTS = 256  # times columns of logits: more of them take too long to learn
_FEW = 10  # labels that are not the most frequent one: fewer say neither how freely to learn, nor how to calibrate
_OF_FEW = 1e-2  # the most freedom that these get
_FOLDS = 5
_ONE_FOLD_FROM = 2_500  # labels: from here on one fold of users says enough
_TRIED = 20_000  # labels on which strengths and shares are tried
_MOST = 100_000  # labels that are learned from; more of them change a few hundred weights by little
_LEAST = 1e-6


@dataclass(frozen=True)
class Choice:
    """What was found on users that were left out.

    Attributes:
        strength: inverse strength of the regularisation of the model of all columns.
        plain_strength: that of the model of plain columns.
        share: of that model's logits.
        amount_strength: that of the mean log of an amount.
        amount_plain: whether that mean reads the plain columns.
    """

    strength: float = STRENGTHS[0]
    plain_strength: float = STRENGTHS[0]
    share: float = 0.0
    amount_strength: float = 1.0
    amount_plain: bool = False


@dataclass(frozen=True)
class Learned:
    """A head, and what was chosen for it."""

    head: Head
    choice: Choice


@dataclass(frozen=True)
class _Readings:
    """(N, P + J) standardised columns, and which of them each model reads; `plain` is empty if there is one model."""

    x: Floats
    everything: Ints
    plain: Ints


def learn(
    features: Table,
    labels: Labels,
    rows: Ints,
    seed: int,
    chosen: Choice | None = None,
    calibrated: bool = True,
    plain: Ints | None = None,
    left_out: npt.NDArray[np.bool_] | None = None,
) -> Learned:
    """Learn a head from some labels.

    Args:
        features: (N, P) of all labels.
        labels: N labels.
        rows: which of them are learned from.
        seed: of the folds.
        chosen: what was found before; None tries it on users that were left out.
        calibrated: whether to calibrate on users that were left out; without it and with `chosen` nobody is.
        plain: which columns say something by themselves; None learns one straight model of all columns.
        left_out: (N,) whose users are left out where something is tried: those that the features were not learned from;
            None leaves out each in turn.
    """
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST, replace=False))
    part, wanted = features[rows].astype(np.float64), labels.wanted[rows]
    mean, spread = part.mean(0), part.std(0)
    spread[spread < _LEAST] = 1.0
    straight: Floats = np.clip((part - mean) / spread, -4.0, 4.0)
    numbers = labels.kind in ("count", "amount")
    classes = len(labels.values) if labels.kind == "classes" else 2
    plain = np.zeros(0, np.int64) if plain is None else plain
    knot_columns, knots = _knots(straight, plain, classes)
    readings = _Readings(
        bent(straight, knot_columns, knots),
        np.arange(features.shape[1]),
        np.append(plain, features.shape[1] + np.arange(len(knots))),
    )
    folds: list[tuple[Ints, Ints]] = []
    if left_out is not None:
        folds = [(np.flatnonzero(~left_out[rows]), np.flatnonzero(left_out[rows]))]
    elif calibrated or chosen is None:
        folds = list(_folds(labels.user[rows], seed))
    kinds = (wanted > 0).astype(np.int64) if numbers else wanted.astype(np.int64)
    nothing = np.zeros(0)
    amount_weights, level, residuals = nothing, np.zeros(4), nothing
    with threadpool_limits(limits=1, user_api="blas"):  # more of them wait for each other: matrices are narrow
        choice, scale = _choose(readings, kinds, classes, folds, chosen)
        weights, bias = _mixed(readings, kinds, classes, choice)
        if numbers:
            choice, amount_weights, level, residuals = _amounts(readings, wanted, folds, choice, chosen is not None)
    return Learned(
        Head(
            labels.kind, labels.values, mean, spread, weights, bias, scale, amount_weights, level, residuals,
            knot_columns.astype(np.float64), knots,
        ),
        choice,
    )  # fmt: skip


def _knots(x: Floats, plain: Ints, classes: int) -> tuple[Ints, Floats]:
    """(J,) columns and (J,) places where they bend: quantiles, as far as they differ and lie between values."""
    each = min(_KNOTS, _MOST_KNOTS // max(classes - 1, 1) // max(len(plain), 1))
    columns, places = [np.zeros(0, np.int64)], [np.zeros(0)]
    for column in plain if each else ():
        found = np.unique(np.quantile(x[:, column], np.linspace(0, 1, each + 2)[1:-1]))
        found = found[(found > x[:, column].min()) & (found < x[:, column].max())]
        columns.append(np.full(len(found), column))
        places.append(found)
    return np.concatenate(columns), np.concatenate(places)


def _folds(user: Ints, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """(learned, judged) rows, no user in both; of very many, some."""
    random = np.random.default_rng(seed)
    fold = random.permutation(int(user.max()) + 1)[user] % _FOLDS
    if len(user) > _TRIED:
        fold[random.permutation(len(user))[_TRIED:]] = -1
    for k in range(1 if len(user) >= _ONE_FOLD_FROM else _FOLDS):
        learned, judged = np.flatnonzero((fold != k) & (fold >= 0)), np.flatnonzero(fold == k)
        if len(learned) and len(judged):
            yield learned, judged


def _choose(
    readings: _Readings, kinds: Ints, classes: int, folds: list[tuple[Ints, Ints]], given: Choice | None
) -> tuple[Choice, Floats]:
    """What has the least log-loss on users that were left out, and the calibration there."""
    if not folds:
        return given or Choice(), np.array([1.0, 0.0])
    truth = np.concatenate([kinds[judged] for _, judged in folds])
    few = len(kinds) - int(np.bincount(kinds).max()) < _FEW
    tried = tuple(s for s in STRENGTHS if s <= _OF_FEW or not few)

    def cross_fitted(columns: Ints, strengths: tuple[float, ...]) -> tuple[float, Floats]:
        """The best strength, and the (M, K) logits of the judged with it."""
        found = []
        for strength in strengths:
            margins = []
            for learned, judged in folds:
                weights, bias = logistic(readings.x[np.ix_(learned, columns)], kinds[learned], classes, strength)
                margins.append(readings.x[np.ix_(judged, columns)] @ weights + bias)
            found.append(np.concatenate(margins))
        best = int(np.argmin([log_losses(z, truth).mean() for z in found]))
        return strengths[best], found[best]

    strength, wide = cross_fitted(readings.everything, tried if given is None else (given.strength,))
    if not len(readings.plain):
        return replace(given or Choice(), strength=strength), scale_of(wide, truth, few)
    plain_strength, plain = cross_fitted(readings.plain, tried if given is None else (given.plain_strength,))
    shares = _SHARES if given is None else (given.share,)
    share = shares[int(np.argmin([log_losses((1 - s) * wide + s * plain, truth).mean() for s in shares]))]
    choice = replace(given or Choice(), strength=strength, plain_strength=plain_strength, share=share)
    return choice, scale_of((1 - share) * wide + share * plain, truth, few)


def _mixed(readings: _Readings, kinds: Ints, classes: int, choice: Choice) -> tuple[Floats, Floats]:
    """-> (P + J, K) weights and (K,) constants of both models of all rows, by their shares."""
    outputs = classes if classes > 2 else 1
    weights, bias = np.zeros((readings.x.shape[1], outputs)), np.zeros(outputs)
    for columns, strength, share in (
        (readings.everything, choice.strength, 1 - choice.share),
        (readings.plain, choice.plain_strength, choice.share),
    ):
        if share:
            own, constant = logistic(readings.x[:, columns], kinds, classes, strength)
            weights[columns] += share * own
            bias += share * constant
    return weights, bias


def _amounts(
    readings: _Readings, wanted: Floats, folds: list[tuple[Ints, Ints]], choice: Choice, given: bool
) -> tuple[Choice, Floats, Floats, Floats]:
    """The mean log of what is more than nothing: choice, weights, level as `Head` has it, quantiles of residuals."""
    logs = np.log(np.maximum(wanted, _LEAST))
    positive = wanted > 0
    tried = [(strength, False) for strength in STRENGTHS]
    tried += [(strength, True) for strength in STRENGTHS if len(readings.plain)]
    best: tuple[float, tuple[float, bool], Floats, Floats] | None = None
    for strength, is_plain in [(choice.amount_strength, choice.amount_plain)] if given else tried:
        x, told, truth = readings.x[:, readings.plain if is_plain else readings.everything], [], []
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
        if best is None or error < best[0]:
            best = (error, (strength, is_plain), mu, y)
    own = np.flatnonzero(positive)
    low, high = float(logs[own].min()), float(logs[own].max())
    strength, is_plain = best[1] if best is not None else (STRENGTHS[0], False)
    columns = readings.plain if is_plain else readings.everything
    x = readings.x[np.ix_(own, columns)]
    model = Ridge(alpha=1 / strength).fit(x, logs[own])
    mu, y = (best[2], best[3]) if best is not None else (model.predict(x), logs[own])
    mu = np.clip(mu, low, high)
    factor = float(np.exp(y).sum() / np.exp(mu).sum())
    level = np.array([float(model.intercept_), np.log(max(factor, _LEAST)), low, high])
    weights = np.zeros(readings.x.shape[1])
    weights[columns] = model.coef_
    choice = replace(choice, amount_strength=strength, amount_plain=is_plain)
    return choice, weights, level, np.quantile(y - mu, LEVELS)
