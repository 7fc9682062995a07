"""Stacked minimal gated recurrent units on ragged batches."""

import torch
from torch import Tensor, nn

from sqlscore.models.ragged import lengths_of, packing_of
from sqlscore.models.recurrence import all_at_once, one_by_one


class MinGRU(nn.Module):
    """minGRU (Feng et al. 2024, arXiv 2410.01201, section 3.1.3), each layer on the one before; causal, and a fold.

    z_t = sigmoid(W_z x_t);  h~_t = W_h x_t;  h_t = (1 - z_t) h_{t-1} + z_t h~_t

    No gate reads h_{t-1}: those of all events are one product, and only the last equation is a recurrence. It runs
    step by step in scoring and by a parallel prefix scan in training (the paper scans in log space, appendix B.3;
    here products of gates are scanned as they are, which is exact for h~ of any sign).
    The weights give 1 - z_t = sigmoid(-W_z x_t) directly. A state is [h of the last layer | .. | h of the first].
    """

    def __init__(self, embedding: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.layers = layers
        self.size = layers * hidden
        widths = [embedding] + [hidden] * (layers - 1)
        self.keep = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.candidate = nn.ModuleList(nn.Linear(width, hidden) for width in widths)

    def forward(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """x (T, E), offsets (N + 1,), state (N, S) -> (T, S) after every event where `each`, else (N, S) at the end."""
        if x.shape[0] == 0:
            return x.new_zeros((0, self.size)) if each else state
        if self.training:
            return self._parallel(x, offsets, state, each)
        order, batch_sizes, where = packing_of(offsets)  # (M,), (L,), (T,)
        at = torch.empty_like(x).index_copy_(0, where, x)  # (T, E), packed
        starts = state[order].chunk(self.layers, 1)  # last layer first, (M, H) each
        found: list[Tensor] = []
        for i, (keep, candidate) in enumerate(zip(self.keep, self.candidate)):  # noqa: B905 - what TorchScript reads
            gates = keep(at).sigmoid_()  # (T, H)
            at = one_by_one(gates, candidate(at), starts[self.layers - 1 - i], batch_sizes)
            found.append(at)
        if not each:
            ends = where[offsets[1:][order] - 1]  # (M,)
            found = [h[ends] for h in found]
            return state.index_copy(0, order, torch.cat(found[::-1], 1))
        return torch.cat(found[::-1], 1)[where]

    @torch.jit.unused
    def _parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        starts = state.chunk(self.layers, 1)[::-1]
        found: list[Tensor] = []
        for keep, candidate, start in zip(self.keep, self.candidate, starts, strict=True):
            gates = torch.sigmoid(keep(x))  # (T, H)
            x = all_at_once(gates, (1.0 - gates) * candidate(x), start, offsets)
            found.append(x)
        states = torch.cat(found[::-1], 1)  # (T, S)
        if each:
            return states
        filled = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
        return state.index_copy(0, filled, states[offsets[1:][filled] - 1])
