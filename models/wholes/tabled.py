"""Models whose constant parts are tables: what an encoder makes of a token is computed once, not at every event."""

from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.heads import Heads
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import one_for_all, packing_of
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.scoring.batch import Batch

_BLOCK = 4_096
"""Events that are mapped at once, about: what a step reads of them is still in a core's cache."""


class TabledModel(SequenceModel):
    """A `SequenceModel` around a `Recurrent` encoder, which scores without ever making an event's vector.

    An event is a sum of rows x_t = sum_k e_k (+ numbers), and the encoder reads W x_t + b. So the table of rows is
    multiplied by W once, at export, and W x_t + b = sum_k (W e_k) is a sum of rows of that. The bias is in the rows of
    the gaps, of which every event has exactly one.
    """

    mapped_rows: Tensor

    def __init__(
        self, embedding: EventEmbedding, encoder: nn.Module, size: int, summary: Summary, heads: Heads
    ) -> None:
        super().__init__(embedding, encoder, size, summary, heads)
        self.block = _BLOCK
        self.register_buffer("mapped_rows", torch.zeros(0, 0))

    def freeze(self) -> None:
        """Compute the table once, for scoring."""
        with torch.no_grad():
            self.mapped_rows = self._table()

    def _table(self) -> Tensor:
        """(R, A): the maps of all rows that depend on no batch."""
        weight, bias = self.encoder.maps()  # type: ignore[operator]
        rows = self.embedding.frozen
        if rows.shape[0] == 0:
            rows = self.embedding.table(self.embedding.names())
        mapped: Tensor = rows @ weight.t()
        start = self.embedding.known + 1
        mapped[start : start + self.embedding.gap.num_embeddings] += bias
        return mapped

    def _hidden(
        self,
        batch: Batch,
        standardised: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        state: Tensor,
        each: bool,
    ) -> Tensor:
        if self.training or batch.times.shape[0] == 0:
            x = self.embedding(batch, standardised, gaps, known_gap)
            return self._encoded(x, batch.times, batch.offsets, state, each)
        if each:
            states = torch.empty(batch.times.shape[0], self.size, device=state.device)
            self._read(batch, standardised, gaps, known_gap, state, states)
            return states
        return self._read(batch, standardised, gaps, known_gap, state, None)

    def _hidden_into(
        self,
        states: Tensor,
        batch: Batch,
        standardised: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        state: Tensor,
    ) -> None:
        if self.training or batch.times.shape[0] == 0:
            states.copy_(self._hidden(batch, standardised, gaps, known_gap, state, True))
        else:
            self._read(batch, standardised, gaps, known_gap, state, states)

    def _read(
        self,
        batch: Batch,
        standardised: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        state: Tensor,
        states: Optional[Tensor],  # noqa: UP045 - (T, H) to be filled if each state is asked for
    ) -> Tensor:
        """-> the states (N, H) at the ends, or `state` if those of all events went into `states`."""
        return self._stepwise(batch, standardised, gaps, known_gap, state, states)

    def _stepwise(
        self,
        batch: Batch,
        standardised: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        state: Tensor,
        states: Optional[Tensor],  # noqa: UP045
    ) -> Tensor:
        """As `_read`, the sequences side by side."""
        table, by_number = self._tables(batch)
        order, batch_sizes, position = packing_of(batch.offsets)
        rows = self.embedding.rows_of(batch.categories, batch.times, gaps, known_gap)  # (T, K)
        event = torch.empty_like(position)  # (T,): of each packed position
        event[position] = torch.arange(event.shape[0], device=event.device)
        rows, numbers = rows.index_select(0, event), standardised.index_select(0, event)
        sizes: list[int] = batch_sizes.tolist()
        carried: list[Tensor] = self.encoder.begin(state.index_select(0, order))  # type: ignore[operator]
        step, start = 0, 0
        while step < len(sizes):
            last, stop = step + 1, start + sizes[step]
            while last < len(sizes) and stop + sizes[last] - start <= self.block:
                stop += sizes[last]
                last += 1
            mapped = self._mapped(rows[start:stop], numbers[start:stop], table, by_number)
            same = step == 0 and one_for_all(state)
            after: list[Tensor] = self.encoder.run(mapped, carried, sizes[step:last], same, states is not None)  # type: ignore[operator]
            if states is not None:  # while they are in the cache
                states.index_copy_(0, event[start:stop], after[0] if len(after) == 1 else torch.cat(after, 1))
            step, start = last, stop
        if states is not None:
            return state
        ends: Tensor = self.encoder.end(carried)  # type: ignore[operator]
        if ends.shape[0] == state.shape[0]:
            return torch.empty_like(ends).index_copy_(0, order, ends)
        return state.index_copy(0, order, ends)

    def _tables(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """-> the maps (R, A) of all rows, those of the batch's novel actions included, and (2F, A) of numbers."""
        table = self.mapped_rows
        if table.shape[0] == 0:
            table = self._table()
        weight = self.encoder.maps()[0]  # type: ignore[operator]
        if batch.novel_offsets.shape[0] > 1:
            novel = self.embedding.ngram(batch.novel_values, batch.novel_offsets[:-1])  # (U, E)
            table = torch.cat([table, novel @ weight.t()])
        return table, self.embedding.numeric @ weight.t()

    def _mapped(self, rows: Tensor, numbers: Tensor, table: Tensor, by_number: Tensor) -> Tensor:
        """int64 (T', K), (T', 2F) -> (T', A): the maps of events."""
        mapped = F.embedding_bag(rows, table, mode="sum")
        return mapped.addmm_(numbers, by_number) if numbers.shape[1] > 0 else mapped
