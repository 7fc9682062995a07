"""The honest peers: majority, repeat-last, and Markov chains with back-off, by counting the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.events.sequences import stretches
from sqlscore.training.data.distinct import distinct

_CELLS = 4_000_000  # numbers that are held at once
_PRIOR = 2.0  # how many observations the shorter context's distribution counts for


ORDERS = (1, 2, 3)
"""Last actions that the Markov chains count."""


@dataclass(frozen=True)
class Transitions:
    """P events with a target.

    Args:
        recent: (P, n) the last actions, newest first, as codes 1..V; 0: none, V + 1: never seen in training.
        following: (P,) the next one; 0: never seen in training.
        times: (P,) µs of the next one.
    """

    recent: Ints
    following: Ints
    times: Ints

    def __len__(self) -> int:
        return len(self.following)

    def newer(self) -> Transitions:
        """The half with the newest targets."""
        kept = self.times > np.median(self.times) if len(self) else np.zeros(0, np.bool_)
        return Transitions(self.recent[kept], self.following[kept], self.times[kept]) if kept.any() else self


@dataclass(frozen=True)
class Guess:
    """Per target: the most probable action (a code), and the probability of what happened."""

    best: Ints  # (P,)
    probability: Floats  # (P,) of `following`; meaningless where that is 0


def all_of(train: Transitions, test: Transitions, actions: int) -> dict[str, Guess]:
    """Every baseline's guesses, by its name; what is `recent` counts the newer half of the training targets alone."""
    chains = {f"markov{order}": markov(train, test, actions, order) for order in ORDERS}
    newer = {f"markov{order}_recent": markov(train.newer(), test, actions, order) for order in ORDERS[1:]}
    return {
        "majority": majority(train, test, actions),
        "repeat_last": repeat_last(train, test, actions),
        **chains,
        **newer,
    }


def majority(train: Transitions, test: Transitions, actions: int) -> Guess:
    """The most frequent action; probabilities are add-one smoothed shares."""
    share = action_shares(train.following, actions)
    return Guess(np.full(len(test), np.argmax(share[1:]) + 1), share[test.following])


def repeat_last(train: Transitions, test: Transitions, actions: int) -> Guess:
    """The last action again, as often as that held in training; the rest as by majority."""
    share = action_shares(train.following, actions)
    last = np.where(test.recent[:, 0] > actions, 0, test.recent[:, 0])
    again = (float((train.recent[:, 0] == train.following).sum()) + 1) / (len(train) + 2)
    rest = np.maximum(1 - share[last], 1e-9)
    other = (1 - again) * share[test.following] / rest
    return Guess(last, np.where(last == test.following, again, other))


def markov(train: Transitions, test: Transitions, actions: int, order: int) -> Guess:
    """Counts after the last `order` actions, topped up by the shorter context's distribution (Dirichlet back-off):

    p(y | context) = (count(context, y) + k p(y | shorter context)) / (count(context) + k),

    with contexts that reach before a history's first event padded by a code of their own.
    """
    wide = actions + 2
    share = np.append(action_shares(train.following, actions), 0.0)  # (V + 2,)
    counted = [_count(train, depth, wide) for depth in range(1, order + 1)]
    contexts, of_event = distinct(_contexts(test.recent, order, wide))  # (U,), (P,)
    by_context = np.argsort(of_event, kind="stable")
    best, probability = np.zeros(len(test), np.int64), np.zeros(len(test))
    rows = max(1, _CELLS // wide)
    for start in range(0, len(contexts), rows):
        chunk = contexts[start : start + rows]
        dense = np.tile(share, (len(chunk), 1))  # (R, V + 2)
        for depth, counts in enumerate(counted, start=1):
            dense = counts.onto(chunk % wide**depth, dense)
        low, high = np.searchsorted(of_event[by_context], (start, start + len(chunk)))
        events = by_context[low:high]
        best[events] = (dense[:, 1:].argmax(1) + 1)[of_event[events] - start]
        probability[events] = dense[of_event[events] - start, test.following[events]]
    return Guess(best, probability)


def _contexts(recent: Ints, depth: int, wide: int) -> Ints:
    """(P, n) -> (P,) the last `depth` codes as digits, the newest lowest."""
    digits: Ints = recent[:, :depth] * wide ** np.arange(depth)
    return np.asarray(digits.sum(1))


@dataclass(frozen=True)
class _Counts:
    """How often each action followed each context, contexts in rising order."""

    context: Ints  # (C,) of each distinct (context, action)
    action: Ints  # (C,)
    count: Ints  # (C,)

    def onto(self, contexts: Ints, shorter: Floats) -> Floats:
        """(R,), (R, V + 2) distributions after the shorter contexts -> (R, V + 2) after these."""
        low, high = np.searchsorted(self.context, contexts, "left"), np.searchsorted(self.context, contexts, "right")
        sizes = high - low
        row = np.repeat(np.arange(len(contexts)), sizes)
        which, _ = stretches(low, sizes)
        total = np.bincount(row, self.count[which], minlength=len(contexts))
        dense = shorter * _PRIOR
        dense[row, self.action[which]] += self.count[which]
        return np.asarray(dense / (total + _PRIOR)[:, None])


def _count(train: Transitions, depth: int, wide: int) -> _Counts:
    known = train.following > 0
    pairs, of_each = distinct(_contexts(train.recent[known], depth, wide) * wide + train.following[known])
    return _Counts(pairs // wide, pairs % wide, np.bincount(of_each, minlength=len(pairs)))


def action_shares(codes: npt.NDArray[np.integer[Any]], actions: int) -> Floats:
    """Codes 0..V of next actions -> (V + 1,) their add-one smoothed shares; 0 for code 0."""
    counts = np.bincount(codes, minlength=actions + 1).astype(np.float64) + 1
    counts[0] = 0
    return np.asarray(counts / counts.sum())
