"""The gated recurrent unit on ragged batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from sqlscore.models.ragged import lengths_of, packing_of, rows_of


class GRU(nn.Module):
    """Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078, eq. 5-8); causal, and a fold: its state carries on.

    r_t = sigmoid(W_r x_t + U_r h_{t-1});  z_t = sigmoid(W_z x_t + U_z h_{t-1})
    h~_t = tanh(W x_t + r_t * (U h_{t-1}));  h_t = z_t h_{t-1} + (1 - z_t) h~_t
    """

    def __init__(self, embedding: int, hidden: int) -> None:
        super().__init__()
        self.size = hidden
        self.gru = nn.GRU(embedding, hidden)

    def forward(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """x (T, E), offsets (N + 1,), state (N, H) -> (T, H) after every event where `each`, else (N, H) at the end."""
        if x.shape[0] == 0:
            return x.new_zeros((0, self.size)) if each else state
        if self.training:
            return self._padded(x, offsets, state, each)
        order, batch_sizes, where = packing_of(offsets)  # (M,), (L,), (T,)
        packed = torch.empty_like(x).index_copy(0, where, x)  # (T, E)
        start = state[order].unsqueeze(0)  # (1, M, H)
        outputs, final = self.gru(PackedSequence(packed, batch_sizes, None, None), start)
        if each:
            found: Tensor = outputs.data[where]  # (T, H)
            return found
        return state.index_copy(0, order, final[0])  # (N, H)

    def _padded(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """The same on a padded copy: the gradient of a packed sequence costs L x T, as it is cut step by step.

        The unit is causal, so what is computed on the padding reaches no event.
        """
        row = rows_of(offsets)  # (T,)
        step = torch.arange(x.shape[0], device=x.device) - offsets[row]  # (T,)
        longest = int(lengths_of(offsets).max())
        padded = x.new_zeros((longest, state.shape[0], x.shape[1]))  # (L, N, E)
        outputs, _ = self.gru(padded.index_put((step, row), x), state.unsqueeze(0))  # (L, N, H)
        found: Tensor = outputs[step, row]  # (T, H)
        if each:
            return found
        filled = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
        return state.index_copy(0, filled, found[offsets[1:][filled] - 1])
