"""Long short-term memory on ragged batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from sqlscore.models.ragged import lengths_of, packing_of, rows_of


class LSTM(nn.Module):
    """Long short-term memory with forget gates (Gers et al. 2000, Neural Computation 12(10), eq. 2-7 of section 3).

    i_t, f_t, o_t = sigmoid(W x_t + U h_{t-1});  g_t = tanh(W_g x_t + U_g h_{t-1})
    c_t = f_t c_{t-1} + i_t g_t;  h_t = o_t tanh(c_t)

    Causal, and a fold: a state is [h | c], of which the heads read h alone.
    """

    def __init__(self, embedding: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.size = 2 * hidden
        self.lstm = nn.LSTM(embedding, hidden)

    def forward(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """x (T, E), offsets (N + 1,), state (N, 2H) -> (T, 2H) after every event if `each`, else (N, 2H) at the end.

        In training, the cells after every event are left 0: no head reads them.
        """
        if x.shape[0] == 0:
            return x.new_zeros((0, self.size)) if each else state
        if self.training and each:
            return self._padded(x, offsets, state)
        order, batch_sizes, where = packing_of(offsets)  # (M,), (L,), (T,)
        packed = torch.empty_like(x).index_copy_(0, where, x)  # (T, E)
        start = state[order]  # (M, 2H)
        h, c = start[:, : self.hidden].contiguous(), start[:, self.hidden :].contiguous()
        outputs, final = self.lstm(PackedSequence(packed, batch_sizes, None, None), (h.unsqueeze(0), c.unsqueeze(0)))
        if each:
            cells = self._cells(packed, outputs.data, h, c, batch_sizes)
            return torch.cat([outputs.data, cells], 1)[where]
        return state.index_copy(0, order, torch.cat([final[0][0], final[1][0]], 1))

    def _cells(self, x: Tensor, outputs: Tensor, h: Tensor, c: Tensor, batch_sizes: Tensor) -> Tensor:
        """(T, H), all packed: c_t, which the library's kernel does not tell. With all h known it is linear."""
        sizes: list[int] = batch_sizes.tolist()
        before = torch.cat([h[: sizes[0]], torch.empty_like(outputs[sizes[0] :])])  # (T, H): h_{t-1}
        parts, into = torch.split(outputs, sizes), torch.split(before, sizes)
        for i in range(1, len(sizes)):
            into[i].copy_(parts[i - 1][: sizes[i]])
        weights: list[Tensor] = self.lstm._flat_weights  # type: ignore[assignment]
        gates = F.linear(x, weights[0], weights[2]) + F.linear(before, weights[1], weights[3])  # (T, 4H)
        i_t, f_t, g_t, _ = gates.chunk(4, 1)
        cells = torch.sigmoid(i_t) * torch.tanh(g_t)  # (T, H), to which what is kept is added
        kept, found = torch.split(torch.sigmoid(f_t), sizes), torch.split(cells, sizes)
        for i, size in enumerate(sizes):
            c = found[i].addcmul_(kept[i], c[:size])
        return cells

    def _padded(self, x: Tensor, offsets: Tensor, state: Tensor) -> Tensor:
        """On a padded copy: the gradient of a packed sequence costs L x T. What is on padding reaches no event."""
        row = rows_of(offsets)  # (T,)
        step = torch.arange(x.shape[0], device=x.device) - offsets[row]  # (T,)
        longest = int(lengths_of(offsets).max())
        padded = x.new_zeros((longest, state.shape[0], x.shape[1]))  # (L, N, E)
        start = (state[:, : self.hidden].unsqueeze(0).contiguous(), state[:, self.hidden :].unsqueeze(0).contiguous())
        outputs, _ = self.lstm(padded.index_put((step, row), x), start)  # (L, N, H)
        found = outputs[step, row]  # (T, H)
        return torch.cat([found, torch.zeros_like(found)], 1)  # (T, 2H)
