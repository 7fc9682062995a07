"""Which answer of a fine-tuned head is explained: its usual value, and its value for any history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.explanation.beginnings import Value
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.scoring.label_features import Table, label_features
from sqlscore.scoring.states import States

_ROWS = 512  # that a head reads at once: what it makes of them stays in a core's cache


@dataclass(frozen=True)
class Answer:
    """One answer of a head for each of N users.

    Args:
        model: the head.
        column: (N,) whose probability it is; None for the mean of a number, and for an uplift.
    """

    model: FinetunedModel
    column: Ints | None

    def of(self, features: Table, row: Ints) -> Floats:
        """(M, P), int64 (M,) which user each is of -> (M,)."""
        head = self.model.head
        if self.column is not None:
            return np.asarray(head.probabilities(features)[np.arange(len(row)), self.column[row]])
        return head.uplift(features) if head.kind == "uplift" else head.expected(features)

    def usual(self, size: int) -> Floats:
        """(N,) the baseline: what is usual among the labels that were learned.

        Of an uplift, and of a head whose manifest does not say, it is the answer for the average of what was read.
        """
        rates = self.model.rates
        if rates is not None and self.column is not None:
            return np.asarray(rates.shares)[self.column]
        if rates is not None and rates.mean is not None:
            return np.full(size, rates.mean)
        average = self.model.head.mean.astype(np.float32)
        return self.of(np.tile(average, (size, 1)), np.arange(size))


def of_label(base: Artifact, answer: Answer, as_of: Ints, unread: Ints) -> Value:
    """The value that is explained: what a head says at `as_of`.

    Args:
        base: the model whose states the head reads.
        answer: what is asked.
        as_of: int64 (N,), µs.
        unread: int64 (N,) events of each user that the base counts and does not read: they are in every subset.
    """

    def told(states: States, row: Ints) -> Floats:
        counted = States(states.hidden, states.clock, states.n_events + unread[row], states.n_unknown)
        features = label_features(base, counted, as_of[row])
        pieces = (slice(first, first + _ROWS) for first in range(0, len(row), _ROWS))
        return np.concatenate([answer.of(features[piece], row[piece]) for piece in pieces])

    return told
