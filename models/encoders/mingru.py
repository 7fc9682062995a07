"""Stacked minimal gated recurrent units on ragged batches."""

import torch
from torch import Tensor, nn

from sqlscore.models.encoders.linear_scan import all_at_once
from sqlscore.models.encoders.recurrent import Recurrent
from sqlscore.models.ragged.arithmetic import lengths_of


class MinGRU(Recurrent):
    """minGRU (Feng et al. 2024, arXiv 2410.01201, section 3.1.3), each layer on the one before; causal, and a fold.

    z_t = sigmoid(W_z x_t);  h~_t = W_h x_t;  h_t = (1 - z_t) h_{t-1} + z_t h~_t

    No gate reads h_{t-1}: those of all events are one product, and only the last equation is a recurrence. It runs
    step by step in scoring and by a parallel prefix scan in training (the paper scans in log space, appendix B.3;
    here products of gates are scanned as they are, which is exact for h~ of any sign).
    The weights give 1 - z_t = sigmoid(-W_z x_t) directly. A state is [h of the last layer | .. | h of the first].
    """

    def __init__(self, embedding: int, hidden: int, layers: int) -> None:
        super().__init__(layers * hidden)
        self.hidden = hidden
        self.layers = layers
        widths = [embedding] + [hidden] * (layers - 1)
        self.keep = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.candidate = nn.ModuleList(nn.Linear(width, hidden) for width in widths)

    def maps(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of the first layer's 1 - z and of its candidate."""
        keep, candidate = self.keep[0], self.candidate[0]
        return keep.weight, keep.bias, candidate.weight, candidate.bias  # type: ignore[return-value]

    def run(self, gates: Tensor, candidate: Tensor, start: Tensor, batch_sizes: Tensor) -> list[Tensor]:
        """Step by step, in all layers before the next, so that what a step works on stays in cache."""
        sizes: list[int] = batch_sizes.tolist()
        keeps = torch.split(gates, sizes)
        layers = [candidate] + [torch.empty_like(candidate) for _ in range(self.layers - 1)]
        parts = [torch.split(layer, sizes) for layer in layers]
        h = list(start.chunk(self.layers, 1))[::-1]  # (M, H) each, first layer first
        for t, size in enumerate(sizes):
            x = parts[0][t].lerp_(h[0][:size], keeps[t].sigmoid_())  # (size, H)
            h[0] = x
            for i, (keep, own) in enumerate(zip(self.keep, self.candidate)):  # noqa: B905 - what TorchScript reads
                if i > 0:
                    gate = keep(x).sigmoid_()
                    weight = own.weight.t()  # type: ignore[operator]
                    x = torch.addmm(own.bias, x, weight, out=parts[i][t])  # type: ignore[arg-type]
                    x = x.lerp_(h[i][:size], gate)
                    h[i] = x
        return layers[::-1]

    @torch.jit.unused
    def parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """The same by prefix scans."""
        starts = state.chunk(self.layers, 1)[::-1]
        layers: list[Tensor] = []
        for keep, candidate, start in zip(self.keep, self.candidate, starts, strict=True):
            gates = torch.sigmoid(keep(x))  # (T, H)
            x = all_at_once(gates, (1.0 - gates) * candidate(x), start, offsets)
            layers.append(x)
        states = torch.cat(layers[::-1], 1)  # (T, S)
        if each:
            return states
        filled = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
        return state.index_copy(0, filled, states[offsets[1:][filled] - 1])
