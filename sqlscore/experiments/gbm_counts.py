"""Counts of what followed the last few actions beside the trees, as the networks have them beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from sqlscore.arrays import Floats, Ints
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.learning.following import NOTHING, Counting, context_at, fading, weighted_shares


@dataclass(frozen=True)
class Counts:
    """Back-off counts, those of `models.back_off` as a sparse table.

    Args:
        how: order, prior, fade, and the weight of the trees beside the counts.
        share: (V,) of each action among all.
        orders: of each order, contexts in rising order and how often each action followed, (U, V).
    """

    how: Counting
    share: Floats
    orders: tuple[tuple[Ints, Any], ...]

    def mixed(self, data: Encoded, at: Ints, trees: Floats) -> Floats:
        """(P,) events and (P, V) probabilities by the trees -> (P, V) by trees and counts together."""
        if self.how.weight >= 1:
            return trees
        p = np.tile(self.share, (len(at), 1))
        for order, (contexts, counts) in enumerate(self.orders, start=1):
            context = context_at(data, at, order)
            place = np.minimum(np.searchsorted(contexts, context), len(contexts) - 1)
            seen = np.flatnonzero(contexts[place] == context)
            rows = counts[place[seen]].toarray()
            p[seen] = (rows + self.how.prior * p[seen]) / (rows.sum(1, keepdims=True) + self.how.prior)
        return self.how.weight * trees + (1 - self.how.weight) * p


def counted(data: Encoded, at: Ints, how: Counting) -> Counts:
    """Count what followed these events (P,), of which every one is followed by a known action."""
    if how.weight >= 1 or not len(at):
        return Counts(NOTHING, np.zeros(data.known), ())
    weights, target = fading(data.target_time[at], how.fade), data.target[at]
    orders = []
    for order in range(1, how.order + 1):
        contexts, row = np.unique(context_at(data, at, order), return_inverse=True)
        orders.append((contexts, csr_matrix((weights, (row, target - 1)), shape=(len(contexts), data.known))))
    return Counts(how, weighted_shares(target, weights, data.known)[1:], tuple(orders))
