"""Features, treatment and outcome -> a head of the uplift: an X-learner that falls back to one uplift for everybody.

Künzel, Sekhon, Bickel and Yu 2019, Metalearners for estimating heterogeneous treatment effects using machine learning,
PNAS 116(10), eq. 5 to 9. Their base learners are here a logistic regression of the outcome in each arm and a ridge
regression of the imputed effects, whose mixture is linear again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge

from sqlscore.arrays import Floats, Ints
from sqlscore.finetuning.learning import Learned, learn
from sqlscore.finetuning.trials import Trial
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import Head

PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)
"""Penalties of the ridge regressions that are tried; effects differ less than outcomes, so they are strong."""

_FOLDS = 5
_LEAST = 1e-6


@dataclass(frozen=True)
class Arms:
    """What was learned of staying when held out, and when treated."""

    held_out: Learned
    treated: Learned

    def stays(self, features: Table) -> tuple[Floats, Floats]:
        """(N, P) -> (N,) probabilities to stay, held out and treated."""
        return self.held_out.head.probabilities(features)[:, 1], self.treated.head.probabilities(features)[:, 1]

    def signals(self, features: Table, trial: Trial, rows: Ints) -> Floats:
        """(M,) of each of the rows a number whose mean, over users that were not learned, is their uplift.

        The augmented inverse-probability score (Robins, Rotnitzky and Zhao 1994): the probabilities of the assignment
        are known, so that it is right in the mean however wrong the arms are.
        """
        without, given = self.stays(features[rows])
        treated, p, stayed = trial.treated[rows], trial.probability[rows], trial.labels.wanted[rows]
        rest = np.where(treated, (stayed - given) / p, -(stayed - without) / (1 - p))
        return np.asarray(given - without + rest)


@dataclass(frozen=True)
class LearnedUplift:
    """A head of kind uplift, the arms behind it, and the penalty that it was learned with."""

    head: Head
    arms: Arms
    penalty: float


def learn_uplift(
    features: Table, trial: Trial, rows: Ints, seed: int, before: LearnedUplift | None = None
) -> LearnedUplift:
    """Learn from some users whom the intervention makes stay.

    The penalty is the one whose uplift, on users that were left out, is closest to their signals. There the uplift is
    also calibrated: its mean is theirs, and its slope is shrunk by James and Stein's factor (1961), to nothing where it
    is within a standard error of none, so that a trial without differences gives the same uplift for everybody.

    Args:
        features: (N, P) of all users.
        trial: N users.
        rows: which of them are learned from.
        seed: of the folds.
        before: what was learned of fewer users: its strengths and penalty are taken; None tries them.
    """
    arms = _arms(features, trial, rows, seed, None if before is None else before.arms)
    fold = np.random.default_rng([seed, 11]).permutation(len(rows)) % _FOLDS
    tried = PENALTIES if before is None else (before.penalty,)
    signals, told = np.zeros(len(rows)), np.zeros((len(tried), len(rows)))
    for k in range(_FOLDS):
        own, judged = rows[fold != k], rows[fold == k]
        part = _arms(features, trial, own, seed, arms, calibrated=False)
        signals[fold == k] = part.signals(features, trial, judged)
        for place, each in enumerate(tried):
            found = _mixture(features, trial, own, part, each).uplift(features[judged])
            told[place, fold == k] = found - found.mean()  # a fold's own mean would say that the others lack it
    chosen = int(np.argmin(((signals - told - signals.mean()) ** 2).mean(axis=1)))
    slope = _slope(told[chosen], signals)
    head = _mixture(features, trial, rows, arms, tried[chosen])
    mean = float(signals.mean() - slope * head.uplift(features[rows]).mean())
    return LearnedUplift(_scaled(head, slope, mean), arms, tried[chosen])


def _arms(features: Table, trial: Trial, rows: Ints, seed: int, before: Arms | None, calibrated: bool = True) -> Arms:
    """Künzel et al. eq. 5 and 6: the outcome of each arm by itself; `before` has strengths that were found."""
    treated = trial.treated[rows]
    held_out, given = (None, None) if before is None else (before.held_out.choice, before.treated.choice)
    return Arms(
        learn(features, trial.labels, rows[~treated], seed, held_out, calibrated),
        learn(features, trial.labels, rows[treated], seed, given, calibrated),
    )


def _mixture(features: Table, trial: Trial, rows: Ints, arms: Arms, penalty: float) -> Head:
    """Eq. 7 to 9: effects imputed in each arm by the other's model, regressed, mixed by the share to be treated."""
    part = features[rows].astype(np.float64)
    mean, spread = part.mean(0), part.std(0)
    spread[spread < _LEAST] = 1.0
    x = np.clip((part - mean) / spread, -4.0, 4.0)
    treated, stayed = trial.treated[rows], trial.labels.wanted[rows]
    without, given = arms.stays(features[rows])
    share = float(trial.probability[rows].mean())
    weights, bias = np.zeros(x.shape[1]), 0.0
    for arm, effect, weight in ((treated, stayed - without, 1 - share), (~treated, given - stayed, share)):
        model = Ridge(alpha=penalty).fit(x[arm], effect[arm])
        weights, bias = weights + weight * model.coef_, bias + weight * float(model.intercept_)
    nothing = np.zeros(0)
    return Head(
        "uplift", (), mean, spread, weights[:, None], np.array([bias]), np.array([1.0, 0.0]),
        nothing, np.zeros(4), nothing,
    )  # fmt: skip


def _slope(told: Floats, signals: Floats) -> float:
    """How much of the differences that are told to believe: least squares, shrunk, never against what is told."""
    spread = float((told**2).sum())
    if spread < _LEAST:
        return 0.0
    slope = float((told * (signals - signals.mean())).sum() / spread)
    rest = signals - signals.mean() - slope * told
    error = float(np.sqrt(((told * rest) ** 2).sum())) / spread
    if slope <= error:
        return 0.0
    return min(slope, 1.0) * (1 - (error / slope) ** 2)


def _scaled(head: Head, slope: float, mean: float) -> Head:
    return Head(
        head.kind, head.values, head.mean, head.spread, head.weights, head.bias, np.array([slope, mean]),
        head.amount_weights, head.amount_level, head.residuals,
    )  # fmt: skip
