"""The honest peers: majority, repeat-last, and Markov chains with back-off, by counting the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints

_CELLS = 4_000_000  # numbers that are held at once
_PRIOR = 2.0  # how many observations the shorter context's distribution counts for


@dataclass(frozen=True)
class Transitions:
    """Events with a target: the action before the last (0: none), the last, and the next, as codes 0..V.

    Codes are 1..V; 0 stands for what was never seen in training.
    """

    previous: Ints  # (P,)
    last: Ints  # (P,)
    following: Ints  # (P,)

    def __len__(self) -> int:
        return len(self.last)


@dataclass(frozen=True)
class Guess:
    """Per target: the most probable action (a code), and the probability of what happened."""

    best: Ints  # (P,)
    probability: Floats  # (P,) of `following`; meaningless where that is 0


def all_of(train: Transitions, test: Transitions, actions: int) -> dict[str, Guess]:
    """Every baseline's guesses, by its name."""
    return {
        "majority": majority(train, test, actions),
        "repeat_last": repeat_last(train, test, actions),
        "markov1": markov(train, test, actions, 1),
        "markov2": markov(train, test, actions, 2),
    }


def majority(train: Transitions, test: Transitions, actions: int) -> Guess:
    """The most frequent action; probabilities are add-one smoothed shares."""
    share = action_shares(train.following, actions)
    return Guess(np.full(len(test), np.argmax(share[1:]) + 1), share[test.following])


def repeat_last(train: Transitions, test: Transitions, actions: int) -> Guess:
    """The last action again, as often as that held in training; the rest as by majority."""
    share = action_shares(train.following, actions)
    again = (float((train.last == train.following).sum()) + 1) / (len(train) + 2)
    rest = np.maximum(1 - share[test.last], 1e-9)
    other = (1 - again) * share[test.following] / rest
    return Guess(test.last, np.where(test.last == test.following, again, other))


def markov(train: Transitions, test: Transitions, actions: int, order: int) -> Guess:
    """Order 1 or 2, each context's counts topped up by the shorter context's distribution (Dirichlet back-off):

    p(y | context) = (count(context, y) + k p(y | shorter context)) / (count(context) + k).
    """
    wide = actions + 1
    share = action_shares(train.following, actions)
    counted = [_count(train, depth, wide) for depth in range(1, order + 1)]
    contexts, where = np.unique(test.previous * wide + test.last, return_inverse=True)  # (U,), (P,)
    by_context = np.argsort(where, kind="stable")
    best, probability = np.zeros(len(test), np.int64), np.zeros(len(test))
    rows = max(1, _CELLS // wide)
    for start in range(0, len(contexts), rows):
        chunk = contexts[start : start + rows]
        dense = np.tile(share, (len(chunk), 1))  # (R, V + 1)
        for depth, counts in enumerate(counted, start=1):
            dense = counts.onto(chunk % wide if depth == 1 else chunk, dense)
        low, high = np.searchsorted(where[by_context], (start, start + len(chunk)))
        events = by_context[low:high]
        best[events] = (dense[:, 1:].argmax(1) + 1)[where[events] - start]
        probability[events] = dense[where[events] - start, test.following[events]]
    return Guess(best, probability)


@dataclass(frozen=True)
class _Counts:
    """How often each action followed each context, contexts in rising order."""

    context: Ints  # (C,) of each distinct (context, action)
    action: Ints  # (C,)
    count: Ints  # (C,)

    def onto(self, contexts: Ints, shorter: Floats) -> Floats:
        """(R,), (R, V + 1) distributions after the shorter contexts -> (R, V + 1) after these."""
        low, high = np.searchsorted(self.context, contexts, "left"), np.searchsorted(self.context, contexts, "right")
        sizes = high - low
        row = np.repeat(np.arange(len(contexts)), sizes)
        which = np.repeat(low - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        total = np.bincount(row, self.count[which], minlength=len(contexts))
        dense = shorter * _PRIOR
        dense[row, self.action[which]] += self.count[which]
        return np.asarray(dense / (total + _PRIOR)[:, None])


def _count(train: Transitions, depth: int, wide: int) -> _Counts:
    context = train.last if depth == 1 else train.previous * wide + train.last
    pairs, count = np.unique(context * wide + train.following, return_counts=True)
    return _Counts(pairs // wide, pairs % wide, count)


def action_shares(codes: npt.NDArray[np.integer[Any]], actions: int) -> Floats:
    """Codes 0..V of next actions -> (V + 1,) their add-one smoothed shares; 0 for code 0."""
    counts = np.bincount(codes, minlength=actions + 1).astype(np.float64) + 1
    counts[0] = 0
    return np.asarray(counts / counts.sum())
