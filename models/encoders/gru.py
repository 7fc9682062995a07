"""The gated recurrent unit on ragged batches."""

import torch
from torch import Tensor, nn

from sqlscore.models.encoders.gru_gradient import PackedGRU
from sqlscore.models.encoders.recurrent import Recurrent
from sqlscore.models.ragged.arithmetic import lengths_of, packing_of, rows_of


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078, eq. 5-8); causal, and a fold: its state carries on.

    r_t = sigmoid(W_r x_t + U_r h_{t-1});  z_t = sigmoid(W_z x_t + U_z h_{t-1})
    h~_t = tanh(W x_t + r_t * (U h_{t-1}));  h_t = z_t h_{t-1} + (1 - z_t) h~_t
    """

    def __init__(self, embedding: int, hidden: int) -> None:
        super().__init__(hidden)
        self.gru = nn.GRU(embedding, hidden)

    def maps(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of [r | z], all biases included, and of the candidate without what r multiplies."""
        own, _, bias, bias_h = self._weights()
        two = 2 * self.size
        return own[:two], bias[:two] + bias_h[:two], own[two:], bias[two:]

    def run(self, gates: Tensor, candidate: Tensor, start: Tensor, batch_sizes: Tensor) -> list[Tensor]:
        """Step by step, every product added in place to what the step's events gave: half the cost of `nn.GRU`."""
        _, weight, _, bias = self._weights()
        two = 2 * self.size
        by_gates, by_candidate, bias = weight[:two].t().contiguous(), weight[two:].t().contiguous(), bias[two:]
        sizes: list[int] = batch_sizes.tolist()
        steps, candidates = torch.split(gates, sizes), torch.split(candidate, sizes)
        h = start
        for i, size in enumerate(sizes):
            before = h if size == h.shape[0] else h[:size]  # (size, H)
            r, z = steps[i].addmm_(before, by_gates).sigmoid_().chunk(2, 1)
            h = candidates[i].addcmul_(r, torch.addmm(bias, before, by_candidate)).tanh_().lerp_(before, z)
        return [candidate]

    def _weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        unit = self.gru
        return unit.weight_ih_l0, unit.weight_hh_l0, unit.bias_ih_l0, unit.bias_hh_l0  # type: ignore[return-value]

    @torch.jit.unused
    def parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """The same with gradients: step by step on the CPU, or padded where torch is faster or chooses types."""
        if x.device.type == "cuda" or torch.is_autocast_enabled("cpu"):
            return self._padded(x, offsets, state, each)
        order, batch_sizes, position = packing_of(offsets)  # (M,), (L,), (T,)
        weight, weight_h, bias, bias_h = self._weights()
        event = torch.empty_like(position)  # (T,): of each packed position
        event[position] = torch.arange(x.shape[0])
        packed = x.index_select(0, event)
        sizes: list[int] = batch_sizes.tolist()
        h = PackedGRU.apply(packed, state[order], weight, weight_h, bias, bias_h, sizes)  # type: ignore[no-untyped-call]
        if each:
            states: Tensor = h.index_select(0, position)
            return states
        return state.index_copy(0, order, h.index_select(0, position[offsets[1:][order] - 1]))

    def _padded(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """The unit is causal, so what is computed on the padding reaches no event."""
        row = rows_of(offsets)  # (T,)
        step = torch.arange(x.shape[0], device=x.device) - offsets[row]  # (T,)
        longest = int(lengths_of(offsets).max())
        padded = x.new_zeros((longest, state.shape[0], x.shape[1]))  # (L, N, E)
        outputs, _ = self.gru(padded.index_put((step, row), x), state.unsqueeze(0))  # (L, N, H)
        h: Tensor = outputs[step, row]  # (T, H)
        if each:
            return h
        filled = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
        return state.index_copy(0, filled, h[offsets[1:][filled] - 1])
