"""What a model remembers of users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.events.mapping import NO_TIME


@dataclass(frozen=True)
class States:
    """N users' states: what `encode` returns, what heads read, and what an incremental refresh stores."""

    hidden: torch.Tensor  # float32 (N, S)
    clock: torch.Tensor  # int64 (N, 2): first and last event, µs since 1970 UTC, NO_TIME without times
    n_events: npt.NDArray[np.int64]  # (N,)
    n_unknown: npt.NDArray[np.int64]  # (N,)

    def __len__(self) -> int:
        return int(self.hidden.shape[0])

    def take(self, rows: npt.NDArray[np.int64]) -> States:
        """The states of these numbers, in that order."""
        index = torch.from_numpy(rows)
        hidden, clock = self.hidden.index_select(0, index), self.clock.index_select(0, index)
        return States(hidden, clock, self.n_events[rows], self.n_unknown[rows])

    def concatenate(self, others: States) -> States:
        """These states, then the others."""
        return States(
            torch.cat([self.hidden, others.hidden]),
            torch.cat([self.clock, others.clock]),
            np.append(self.n_events, others.n_events),
            np.append(self.n_unknown, others.n_unknown),
        )

    def put(self, rows: npt.NDArray[np.int64], others: States) -> States:
        """A copy with `others` at these numbers."""
        index = torch.from_numpy(rows)
        counts, unknown = self.n_events.copy(), self.n_unknown.copy()
        counts[rows], unknown[rows] = others.n_events, others.n_unknown
        hidden = self.hidden.index_copy(0, index, others.hidden)
        return States(hidden, self.clock.index_copy(0, index, others.clock), counts, unknown)


def without_times(clock: torch.Tensor) -> torch.Tensor:
    """(N, 2) -> bool (N,): states that came from plain lists of actions."""
    return clock[:, 1] == NO_TIME
