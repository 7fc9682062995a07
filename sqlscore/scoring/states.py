"""What a model remembers of users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.events.mapping import NO_TIME


@dataclass(frozen=True)
class States:
    """N users' states: what `encode` returns, what heads read, and what an incremental refresh stores."""

    hidden: npt.NDArray[np.float32]  # (N, S)
    clock: Ints  # (N, 2): first and last event, µs since 1970 UTC, NO_TIME without times
    n_events: Ints  # (N,)
    n_unknown: Ints  # (N,)

    def __len__(self) -> int:
        return len(self.hidden)

    def take(self, rows: Ints) -> States:
        """The states of these numbers, in that order."""
        return States(
            self.hidden.take(rows, axis=0), self.clock.take(rows, axis=0), self.n_events[rows], self.n_unknown[rows]
        )

    def concatenate(self, others: States) -> States:
        """These states, then the others."""
        return States(
            np.concatenate([self.hidden, others.hidden]),
            np.concatenate([self.clock, others.clock]),
            np.append(self.n_events, others.n_events),
            np.append(self.n_unknown, others.n_unknown),
        )

    def put(self, rows: Ints, others: States) -> States:
        """A copy with `others` at these numbers."""
        copy = States(self.hidden.copy(), self.clock.copy(), self.n_events.copy(), self.n_unknown.copy())
        copy.hidden[rows], copy.clock[rows] = others.hidden, others.clock
        copy.n_events[rows], copy.n_unknown[rows] = others.n_events, others.n_unknown
        return copy


def without_times(clock: Ints) -> npt.NDArray[np.bool_]:
    """(N, 2) -> (N,): states that came from plain lists of actions."""
    return np.asarray(clock[:, 1] == NO_TIME)
