"""How many last actions to count, how far back, and how much to believe the counts beside the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.models.back_off import ORDER
from sqlscore.scoring.tables import longest_order
from sqlscore.training.data.distinct import distinct
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.following import NOTHING, Counting, again_counts, context_at, fading, weighted_shares
from sqlscore.training.learning.mixture_weight import best_weight

FADES = (0.0, 2.0, 4.0, 8.0, 16.0)
"""Times that a target's weight halves from the newest target back to the oldest, by the rank of its time."""
SURE = 2.0
"""Standard errors above which a gain is taken for drift, which costs a second search."""
_PRIORS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_TINY = 1e-12
_MOST_JUDGED = 100_000  # targets that show whether a log drifts
_HEAVIEST = 5.0  # what a target of other users counts for at most, beside one of the later period
_NEWER = 0.25  # standard errors that fading must gain
USUAL = 0.15
"""How far the weight of a network lies from one half before any target says so: the standard deviation of its normal
prior. On logs of 60 to 600 users that processes made, judged on other users of the same, .1 held it too firmly where
the network was much the worse of both, and .2 let few targets of real logs move it too far."""


@dataclass(frozen=True)
class Judged:
    """Targets that validate, and the probability that the network gave to what happened.

    Args:
        at: (P,) the log's index of the event before: of the later period first, then of other users.
        network: (P,)
        later: How many are of the later period.
    """

    at: Ints
    network: Floats
    later: int

    @property
    def weights(self) -> Floats:
        """(P,), of mean 1: see `evenly`."""
        return evenly(self.later, len(self.at) - self.later)


def evenly(later: int, others: int) -> Floats:
    """(P,) weights of mean 1 with which both parts count alike, if that of other users is not small.

    A later period alone speaks of users who stayed. In a log that is closed to new users what these do next changes
    with their age, which is no drift: the next newcomer is as the last ones were.
    """
    weights = np.ones(later + others)
    if later and others:
        weights[later:] = min(later / others, _HEAVIEST)
    return weights / weights.mean() if len(weights) else weights


def effective(weights: Floats) -> float:
    """How many targets of equal weight say as much as these, (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling, 11.7)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def choose_counting(data: Encoded, train: Windows, judged: Judged) -> tuple[Counting, Floats]:
    """The counting that lowers the log-loss of the network's probabilities most on validation.

    Older targets count for less, and repeats of all actions together, if that gains more than a part of its standard
    error over users. The weight of the
    network starts at one half, which is seldom far from the best, and moves as far as validation has targets that say
    so: where these are few, the best weight on them is mostly their noise.

    Args:
        data: the log in the model's codes.
        train: the windows that are counted.
        judged: validation targets with known actions.

    Returns the counting, and the log-loss (P,) of each target with it.
    """
    if not len(judged.at):
        return NOTHING, np.zeros(0)
    users, weights = users_at(data, judged.at), judged.weights
    search = _Search(_Tables(data, train, judged.at), np.maximum(judged.network, _TINY), weights)
    plain, *faded = [search.best(fade, False) for fade in FADES]
    chosen = plain
    for other in faded:
        if better(chosen.losses - other.losses, users, _NEWER, weights):
            chosen = other
    again = search.best(chosen.counting.fade, True)
    if better(chosen.losses - again.losses, users, _NEWER, weights):
        chosen = again
    later = chosen.losses[: judged.later]
    return replace(chosen.counting, log_loss=float(later.mean()) if len(later) else None), chosen.losses


def drifts(data: Encoded, train: Windows, validating: Sequence[Windows]) -> bool:
    """Whether what followed what lately says more of what validates than all that followed, by counts alone."""
    parts = [np.flatnonzero(part.wanted & (data.target <= data.known)) for part in validating]
    if not len(parts[0]):
        return False
    parts = [at[:: max(1, -(-len(at) // _MOST_JUDGED))] for at in parts]
    at, weights = np.concatenate(parts), evenly(len(parts[0]), sum(map(len, parts[1:])))
    tables, users = _Tables(data, train, at), users_at(data, at)
    best: list[tuple[float, Floats]] = []
    for fade in FADES:
        losses = ((-np.log(counted)) for _, _, counted in tables.probabilities(fade))
        best.append(min(((float(weights @ loss), loss) for loss in losses), key=lambda pair: pair[0]))
    return any(better(best[0][1] - faded, users, SURE, weights) for _, faded in best[1:])


def users_at(data: Encoded, at: Ints) -> Ints:
    """(P,) indices in the log -> (P,) the users whose events these are."""
    return np.searchsorted(data.offsets, at, "right") - 1


def better(gains: Floats, users: Ints, errors: float = 1.0, weights: Floats | None = None) -> bool:
    """Whether the mean of gains (P,) is above so many standard errors, users (P,) being independent of each other.

    weights: (P,) of mean 1; None: all 1.
    """
    weights = np.ones(len(gains)) if weights is None else weights
    total = float(weights @ gains)
    of_user = np.bincount(users, weights * (gains - total / max(len(gains), 1)))
    return total > errors * float(np.sqrt((of_user**2).sum()))


@dataclass(frozen=True)
class _Found:
    """A counting, and the log-loss (P,) of each target with it."""

    counting: Counting
    losses: Floats


class _Search:
    """The best order, prior and weight on P targets, to which the network gave these probabilities."""

    def __init__(self, tables: _Tables, network: Floats, weights: Floats) -> None:
        self.tables, self.network, self.weights = tables, network, weights
        self.held = len(weights) / (effective(weights) * USUAL**2)
        self.weight = 0.5  # of the network, where the last search ended: seldom far from the next

    def best(self, fade: float, again: bool) -> _Found:
        """Of this fading, with repeats counted for all actions together or not."""
        least, found = np.inf, _Found(NOTHING, np.zeros(0))
        for order, prior, counted in self.tables.probabilities(fade, again):
            self.weight = best_weight(self.network, counted, self.weights, self.weight, self.held)
            losses = -np.log(self.weight * self.network + (1 - self.weight) * counted)
            loss = float(np.average(losses, weights=self.weights))
            if loss < least:
                least, found = loss, _Found(Counting(order, prior, fade, self.weight, again), losses)
        return found


class _Tables:
    """Counts of a training part for all orders, grouped once, and where the judged targets stand in them."""

    def __init__(self, data: Encoded, train: Windows, at: Ints) -> None:
        self.known = data.known
        counted = np.flatnonzero(train.wanted & (data.target <= data.known))
        self.times, self.target = data.target_time[counted], data.target[counted].astype(np.int64)
        self.judged = data.target[at]
        self.last, self.last_judged = context_at(data, counted, 1), context_at(data, at, 1)
        self.orders: list[tuple[Ints, Ints, Ints, Ints]] = []
        wide = data.known + 2
        for order in range(1, longest_order(data.known, ORDER) + 1):
            context, wanted = context_at(data, counted, order), context_at(data, at, order)
            contexts, of_target = distinct(context)
            pairs, of_pair = distinct(of_target * wide + self.target)
            row = _found(contexts, wanted)
            pair = np.where(row >= 0, _found(pairs, row * wide + self.judged), -1)
            self.orders.append((of_target, of_pair, row, pair))

    def probabilities(self, fade: float, again: bool = False) -> Iterator[tuple[int, float, Floats]]:
        """(order, prior, (P,) probability of what happened) for all orders and priors.

        again: Whether repeats of all actions are counted together.
        """
        weights = fading(self.times, fade)
        shares = weighted_shares(self.target, weights, self.known)
        more, repeated = np.zeros(len(self.judged)), self.judged == self.last_judged
        if again:
            more = again_counts(self.last, self.target, weights, shares)[self.last_judged]
        lower = [shares[self.judged] for _ in _PRIORS]
        for order, (of_target, of_pair, row, pair) in enumerate(self.orders, start=1):
            total = np.append(np.bincount(of_target, weights), 0.0)[row]  # the last of all, 0, where not found
            count = np.append(np.bincount(of_pair, weights), 0.0)[pair]
            if order > 1:
                more = np.zeros(len(self.judged))
            for i, prior in enumerate(_PRIORS):
                added = prior * more
                lower[i] = (count + added * repeated + prior * lower[i]) / (total + added + prior)
                yield order, prior, lower[i]


def _found(rising: Ints, wanted: Ints) -> Ints:
    """The index of each wanted value, -1 where it is missing."""
    at = np.searchsorted(rising, wanted)
    at[at == len(rising)] = 0
    return np.where(rising[at] == wanted, at, -1) if len(rising) else np.full(len(wanted), -1)
