"""Tables of counts where a module is asked for: explanations, which read modules through torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sqlscore.scoring.batch import Batch, tensor_of
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.encoding import Columns


class CountsModule:
    """A `scoring.module.Module` by `Counts`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def encode(
        self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(state (N, S), clock (N, 2)) after each sequence."""
        given = (None if part is None else part.numpy() for part in (hidden, clock))
        state, times = self._counts.encode(_columns(batch), *given)
        return tensor_of(state), tensor_of(times)

    def encode_each(
        self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(state (T, S), clock (T, 2)) after every event of new users."""
        state, times = self._counts.encode_each(_columns(batch))
        return tensor_of(state), tensor_of(times)

    def next_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> (N, V): logarithms of the probabilities."""
        return torch.log(tensor_of(self._counts.probabilities(hidden.numpy())))

    def seconds(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float64 (N,)."""
        return tensor_of(self._counts.seconds(hidden.numpy()))

    def seconds_at(self, hidden: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """(N, S), (N, Q) in [0, 1] -> float64 (N, Q)."""
        return tensor_of(self._counts.seconds_at(hidden.numpy(), levels.numpy()))

    def within(self, hidden: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """(N, S), float64 (N,) -> (N,)."""
        return tensor_of(self._counts.within(hidden.numpy(), seconds.numpy()))

    def churn(self, hidden: torch.Tensor, elapsed: torch.Tensor) -> torch.Tensor:
        """(N, S), float64 (N,) seconds since the last event -> (N,)."""
        return tensor_of(self._counts.churn(hidden.numpy(), elapsed.numpy()))

    def embed(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> (N, D)."""
        return tensor_of(self._counts.representations(hidden.numpy()))

    def parameters(self) -> Iterator[torch.Tensor]:
        """None: nothing is learned by steps."""
        return iter(())

    def named_buffers(self) -> Iterator[tuple[str, torch.Tensor]]:
        """The tables."""
        for name, array in self._counts.to_weights().items():
            yield name, tensor_of(array)


def _columns(batch: Batch) -> Columns:
    return Columns(*(np.asarray(tensor.numpy()) for tensor in batch))
