"""Stacked minimal gated recurrent units on ragged batches."""

import torch
from torch import Tensor, nn

from sqlscore.models.encoders.linear_scan import all_at_once
from sqlscore.models.encoders.recurrent import Recurrent
from sqlscore.models.ragged.arithmetic import lengths_of
from sqlscore.models.ragged.scan import scan_


class MinGRU(Recurrent):
    """minGRU (Feng et al. 2024, arXiv 2410.01201, section 3.1.3), each layer on the one before; causal, and a fold.

    z_t = sigmoid(W_z x_t);  h~_t = W_h x_t;  h_t = (1 - z_t) h_{t-1} + z_t h~_t

    No gate reads h_{t-1}: those of all events are one product, and only the last equation is a recurrence. It runs
    step by step where many sequences share a step, else by a scan of stretches side by side (the paper scans in log
    space, appendix B.3; here products of gates are scanned as they are, which is exact for h~ of any sign).
    The weights give 1 - z_t = sigmoid(-W_z x_t) directly. A state is [h of the last layer | .. | h of the first].
    """

    def __init__(self, embedding: int, hidden: int, layers: int) -> None:
        super().__init__(layers * hidden)
        self.hidden = hidden
        self.layers = layers
        widths = [embedding] + [hidden] * (layers - 1)
        self.keep = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.candidate = nn.ModuleList(nn.Linear(width, hidden) for width in widths)

    def maps(self) -> tuple[Tensor, Tensor]:
        """Of the first layer's 1 - z and of its candidate."""
        keep, own = self.keep[0], self.candidate[0]
        return torch.cat([keep.weight, own.weight]), torch.cat([keep.bias, own.bias])  # type: ignore[list-item]

    def begin(self, start: Tensor) -> list[Tensor]:
        """(M, S) -> (M, H) each, first layer first."""
        return [part.contiguous() for part in start.chunk(self.layers, 1)[::-1]]

    def end(self, carried: list[Tensor]) -> Tensor:
        """-> [h of the last layer | .. | h of the first]."""
        return torch.cat(carried[::-1], 1)

    def run(self, mapped: Tensor, carried: list[Tensor], sizes: list[int], same: bool, each: bool) -> list[Tensor]:
        """Layer by layer: the products of all events at once, then step by step what is a recurrence."""
        layers: list[Tensor] = []
        for i, (keep, own) in enumerate(zip(self.keep, self.candidate)):  # noqa: B905 - what TorchScript reads
            if i > 0:
                weight, bias = torch.cat([keep.weight, own.weight]), torch.cat([keep.bias, own.bias])  # type: ignore[list-item]
                mapped = torch.addmm(bias, layers[i - 1], weight.t())
            keeps, x = mapped[:, : self.hidden].sigmoid_(), mapped[:, self.hidden :]
            h = carried[i]
            for kept, part in zip(torch.split(keeps, sizes), torch.split(x, sizes)):  # noqa: B905
                before = h[: part.shape[0]]  # (size, H)
                before.copy_(part.lerp_(before, kept))
            layers.append(x)
        return layers[::-1] if each else []

    def scanned(self, mapped: Tensor, carried: list[Tensor], first: Tensor, start: Tensor) -> list[Tensor]:
        """States after events that stand end to end, whatever the lengths of their sequences.

        Args:
            mapped: (T', A), the first layer's map of them; written over.
            carried: the states before the first of them, (H,) of each layer, last layer first, if it begins no
                sequence; empty if it does.
            first: int64 (F,), which of them begin a sequence.
            start: (F, S), the states that those sequences go on from.

        Returns:
            (T', H) of each layer, last layer first: their columns, one layer after the other, are the states.
        """
        layers: list[Tensor] = []
        for i, (keep, own) in enumerate(zip(self.keep, self.candidate)):  # noqa: B905 - what TorchScript reads
            if i > 0:
                weight, bias = torch.cat([keep.weight, own.weight]), torch.cat([keep.bias, own.bias])  # type: ignore[list-item]
                mapped = torch.addmm(bias, layers[0], weight.t())
            at = (self.layers - 1 - i) * self.hidden
            keeps, h = mapped[:, : self.hidden].sigmoid_(), mapped[:, self.hidden :]
            h.addcmul_(h, keeps, value=-1.0)  # z h~
            if len(carried) > 0:
                h[0].addcmul_(keeps[0], carried[self.layers - 1 - i])
            begun = start[:, at : at + self.hidden]
            h.index_add_(0, first, keeps.index_select(0, first).mul_(begun))
            keeps.index_fill_(0, first, 0.0)  # nothing passes from one sequence into the next
            scan_(keeps, h)
            layers.insert(0, h)
        return layers

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
