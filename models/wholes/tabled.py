"""Models whose constant parts are tables: what an encoder makes of a token is computed once, not at every event."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.heads import Heads
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import packing_of
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.scoring.batch import Batch


class TabledModel(SequenceModel):
    """A `SequenceModel` around a `Recurrent` encoder, which scores without ever making an event's vector.

    An event is a sum of rows x_t = sum_k e_k (+ numbers), and the encoder reads W x_t + b. So the table of rows is
    multiplied by W once, at export, and W x_t + b = sum_k (W e_k) is a sum of rows of that. The bias is in the rows of
    the gaps, of which every event has exactly one.
    """

    gate_rows: Tensor
    candidate_rows: Tensor

    def __init__(
        self, embedding: EventEmbedding, encoder: nn.Module, size: int, summary: Summary, heads: Heads
    ) -> None:
        super().__init__(embedding, encoder, size, summary, heads)
        self.register_buffer("gate_rows", torch.zeros(0, 0))
        self.register_buffer("candidate_rows", torch.zeros(0, 0))

    def freeze(self) -> None:
        """Compute the tables once, for scoring."""
        with torch.no_grad():
            self.gate_rows, self.candidate_rows = self._tables()

    def _tables(self) -> tuple[Tensor, Tensor]:
        """(R, A), (R, B): the maps of all rows that depend on no batch."""
        weight, bias, weight_, bias_ = self.encoder.maps()  # type: ignore[operator]
        rows = self.embedding.frozen
        if rows.shape[0] == 0:
            rows = self.embedding.table(self.embedding.names())
        gates, candidate = rows @ weight.t(), rows @ weight_.t()
        start = self.embedding.known + 1
        gates[start : start + self.embedding.gap.num_embeddings] += bias
        candidate[start : start + self.embedding.gap.num_embeddings] += bias_
        return gates, candidate

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
        gate_rows, candidate_rows = self.gate_rows, self.candidate_rows
        if gate_rows.shape[0] == 0:
            gate_rows, candidate_rows = self._tables()
        weight, _, weight_, _ = self.encoder.maps()  # type: ignore[operator]
        if batch.novel_offsets.shape[0] > 1:
            novel = self.embedding.ngram(batch.novel_values, batch.novel_offsets[:-1])  # (U, E)
            gate_rows = torch.cat([gate_rows, novel @ weight.t()])
            candidate_rows = torch.cat([candidate_rows, novel @ weight_.t()])
        rows = self.embedding.rows_of(batch.categories, batch.times, gaps, known_gap)  # (T, K)
        order, batch_sizes, position = packing_of(batch.offsets)
        rows = torch.empty_like(rows).index_copy_(0, position, rows)
        gates = F.embedding_bag(rows, gate_rows, mode="sum")  # (T, A)
        candidate = F.embedding_bag(rows, candidate_rows, mode="sum")  # (T, B)
        if standardised.shape[1] > 0:
            numbers = torch.empty_like(standardised).index_copy_(0, position, standardised)
            gates = gates.addmm_(numbers, self.embedding.numeric @ weight.t())
            candidate = candidate.addmm_(numbers, self.embedding.numeric @ weight_.t())
        states: Tensor = self.encoder.states(  # type: ignore[operator]
            gates, candidate, batch.offsets, state, order, batch_sizes, position, each
        )
        return states
