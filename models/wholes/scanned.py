"""Models of tables whose encoder is a linear recurrence: events are read as they stand where steps cost more."""

from typing import Optional

import torch
from torch import Tensor, nn

from sqlscore.models.heads import Heads
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import lengths_of
from sqlscore.models.wholes.tabled import TabledModel
from sqlscore.scoring.batch import Batch


class ScannedModel(TabledModel):
    """A `TabledModel` around a `MinGRU`: a very long sequence costs no more than many short ones.

    A step costs some microseconds however few sequences share it; a scan passes over every event thrice.
    """

    def __init__(
        self, embedding: EventEmbedding, encoder: nn.Module, size: int, summary: Summary, heads: Heads
    ) -> None:
        super().__init__(embedding, encoder, size, summary, heads)
        self.shared = 128  # sequences that share a step, on average, from which on steps are cheaper

    def _read(
        self,
        batch: Batch,
        standardised: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        state: Tensor,
        states: Optional[Tensor],  # noqa: UP045
    ) -> Tensor:
        """Step by step, or by a scan in blocks that a core's cache holds; on a GPU, of all at once."""
        if batch.times.shape[0] >= self.shared * int(lengths_of(batch.offsets).max()):
            return self._stepwise(batch, standardised, gaps, known_gap, state, states)
        table, by_number = self._tables(batch)
        rows = self.embedding.rows_of(batch.categories, batch.times, gaps, known_gap)  # (T, K)
        size = rows.shape[0]
        block = self.block if rows.device.type == "cpu" else size
        filled = torch.nonzero(lengths_of(batch.offsets))[:, 0]  # (M,)
        firsts = batch.offsets[:-1].index_select(0, filled)
        ends = batch.offsets[1:].index_select(0, filled) - 1
        edges = torch.arange(0, size + block, block, device=rows.device)
        begun: list[int] = torch.searchsorted(firsts, edges).tolist()  # before each block, how many
        ended: list[int] = torch.searchsorted(ends, edges).tolist()
        found = torch.empty(0 if states is not None else filled.shape[0], self.size, device=state.device)
        carried: list[Tensor] = []
        for i in range(len(begun) - 1):
            start, stop = i * block, min(size, (i + 1) * block)
            mapped = self._mapped(rows[start:stop], standardised[start:stop], table, by_number)
            first = firsts[begun[i] : begun[i + 1]] - start
            if begun[i] == ended[i]:  # the last sequence has ended
                carried = []
            start_of = state.index_select(0, filled[begun[i] : begun[i + 1]])
            after: list[Tensor] = self.encoder.scanned(mapped, carried, first, start_of)  # type: ignore[operator]
            carried = [layer[-1] for layer in after]
            if states is not None:
                torch.cat(after, 1, out=states[start:stop])
            else:
                at = ends[ended[i] : ended[i + 1]] - start
                torch.cat([layer.index_select(0, at) for layer in after], 1, out=found[ended[i] : ended[i + 1]])
        if states is not None:
            return state
        return found if found.shape[0] == state.shape[0] else state.index_copy(0, filled, found)
