"""Models that read every prefix anew: what they make of an event changes with each later one."""

from typing import Optional

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import rows_of
from sqlscore.models.ragged.stretches import spread
from sqlscore.models.wholes.window_model import WindowModel
from sqlscore.scoring.batch import Batch, select_events


class PrefixModel(WindowModel):
    """A `WindowModel` whose encoder reads in both directions, so there is no state on the way to read off.

    The state at an event is that of the newest `window` events up to it, as a sequence of their own, so that nothing
    later can leak into it. Each costs a pass over its window: training reads a sample of events through `encode_at`.
    The encoder is called with each = False alone.
    """

    @torch.jit.export
    def encode_at(self, batch: Batch, position: Tensor) -> tuple[Tensor, Tensor]:
        """int64 (P,) -> (state (P, S), clock (P, 2)) after these events, exactly as `encode` would score them then."""
        index, own = self._prefixes(batch, position)
        old, before = self._start(own, None, None)
        return self._run(select_events(batch, index, own), old, before, False)

    def hidden_at(
        self,
        batch: Batch,
        position: Tensor,
        rows: Optional[tuple[Tensor, Tensor]],  # noqa: UP045
    ) -> Tensor:
        """-> (P, H)."""
        return self._hidden_of(select_events(batch, *self._prefixes(batch, position)), False)

    def facts_at(self, batch: Batch, position: Tensor) -> Tensor:
        """int64 (P,) -> (P, K + n)."""
        return self._facts_of(select_events(batch, *self._prefixes(batch, position)), False)

    @torch.jit.export
    def encode_each(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045 - what TorchScript reads
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state (T, S), clock (T, 2)) after every event; exact, at up to `window` times the cost of `encode`."""
        states: list[Tensor] = []
        clocks: list[Tensor] = []
        for some in torch.split(torch.arange(batch.times.shape[0], device=batch.times.device), 4_096):
            state, after = self.encode_at(batch, some)
            states.append(state)
            clocks.append(after)
        return torch.cat(states), torch.cat(clocks)

    def _prefixes(self, batch: Batch, position: Tensor) -> tuple[Tensor, Tensor]:
        """The newest `window` events up to each of these, as sequences of their own: what `spread` returns."""
        start = torch.maximum(batch.offsets[rows_of(batch.offsets)[position]], position - (self.window - 1))
        return spread(start, position - start + 1)
