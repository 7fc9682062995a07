"""Models that read a window of the newest events: not folds, as what leaves the window must be forgotten exactly."""

from typing import Optional

import torch
from torch import Tensor, nn

from sqlscore.models.heads import Heads
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import gaps_of
from sqlscore.models.ragged.stretches import newest, overlapping
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.scoring.batch import Batch, select_events


class WindowModel(SequenceModel):
    """A `SequenceModel` on the newest `window` events; all of it, the summaries too, sees nothing older.

    `encoder(x (T, E), times (T,), offsets (N + 1,), each) -> (T, H) or (N, H)`. A given state is not read.

    encode_each, which training and evaluation read, gives an event of a longer sequence a context of its newest
    window / 2 to `window` events rather than exactly `window`: overlapping windows cost twice as much as a single
    one, exact ones `window` times. Sequences up to `window` are exact.
    """

    def __init__(
        self, embedding: EventEmbedding, encoder: nn.Module, size: int, summary: Summary, heads: Heads, window: int
    ) -> None:
        super().__init__(embedding, encoder, size, summary, heads)
        self.window = window

    @torch.jit.export
    def encode(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045 - what TorchScript reads
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state (N, S), clock (N, 2)) after each sequence, from its newest `window` events; zeros for no event."""
        old, before = self._start(batch.offsets, None, None)
        index, own = newest(batch.offsets, self.window)
        if index.shape[0] < batch.times.shape[0]:
            batch = select_events(batch, index, own)
        state, after = self._run(batch, old, before, False)
        filled = torch.nonzero(own[1:] > own[:-1])[:, 0]  # (M,)
        return old.index_copy(0, filled, state), before.index_copy(0, filled, after)

    @torch.jit.export
    def encode_each(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state (T, S), clock (T, 2)) after every event."""
        index, own, place = overlapping(batch.offsets, self.window)
        old, before = self._start(own, None, None)
        if index.shape[0] == batch.times.shape[0]:
            return self._run(batch, old, before, True)
        states, clocks = self._run(select_events(batch, index, own), old, before, True)
        return states[place], clocks[place]

    def rows_at(self, batch: Batch) -> Optional[tuple[Tensor, Tensor]]:  # noqa: UP045
        """None: the first event of a window has no time since the one before."""
        return None

    def hidden_at(
        self,
        batch: Batch,
        position: Tensor,
        rows: Optional[tuple[Tensor, Tensor]],  # noqa: UP045
    ) -> Tensor:
        """-> (P, H)."""
        read, place = self._windows(batch)
        return self._hidden_of(read, True).index_select(0, place[position])

    def facts_at(self, batch: Batch, position: Tensor) -> Tensor:
        """int64 (P,) -> (P, K + n)."""
        read, place = self._windows(batch)
        return self._facts_of(read, True).index_select(0, place[position])

    def _windows(self, batch: Batch) -> tuple[Batch, Tensor]:
        """The events of overlapping windows, and int64 (T,): where among those each event is read."""
        index, own, place = overlapping(batch.offsets, self.window)
        return (batch if index.shape[0] == batch.times.shape[0] else select_events(batch, index, own)), place

    def _encoded(self, x: Tensor, times: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        hidden: Tensor = self.encoder(x, times, offsets, each)
        return hidden


class AttentionModel(WindowModel):
    """A `WindowModel` whose encoder says where it looks: `encoder.attention(x, times, offsets) -> (T,)`."""

    @torch.jit.export
    def attention(self, batch: Batch) -> Tensor:
        """-> (T,): the weight of every event in its sequence's score; they sum to 1, those before the window are 0."""
        index, own = newest(batch.offsets, self.window)
        read = select_events(batch, index, own)
        _, clock = self._start(own, None, None)
        gaps, known = gaps_of(read.times, own, clock[:, 1])
        x = self.embedding(read, self.embedding.standardise(read.numbers), gaps, known)
        weights: Tensor = self.encoder.attention(x, read.times, own)  # type: ignore[operator]
        return torch.zeros(batch.times.shape[0], device=weights.device).index_copy(0, index, weights)
