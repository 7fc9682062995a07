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

    def maps(self) -> tuple[Tensor, Tensor]:
        """Of [r | z], and twice that of the candidate; all biases included but what r multiplies. See `run`."""
        own, weight, bias, bias_h = self._weights()
        two = 2 * self.size
        bias_gates = bias[:two] + bias_h[:two] - weight[:two].sum(1)
        return torch.cat([own[:two], 2.0 * own[two:]]), torch.cat([bias_gates, 2.0 * bias[two:]])

    def begin(self, start: Tensor) -> list[Tensor]:
        """G = (h + 1) / 2."""
        return [start.mul(0.5).add_(0.5)]

    def end(self, carried: list[Tensor]) -> Tensor:
        """H = 2 g - 1."""
        return carried[0].mul(2.0).sub_(1.0)

    def run(self, mapped: Tensor, carried: list[Tensor], sizes: list[int], same: bool, each: bool) -> list[Tensor]:
        """Step by step, of g = (h + 1) / 2 instead of h.

        As tanh(y) = 2 sigmoid(2 y) - 1, the last equation becomes g_t = z_t g_{t-1} + (1 - z_t) sigmoid(2 y), where
        torch takes a sixth of the time that tanh costs. U h = 2 U g - U 1, whose constant part is in the biases.
        A step writes g over its candidates if each state is asked for, and the next step reads it there.
        """
        _, weight, _, bias_h = self._weights()
        two = 2 * self.size
        by_gates, by_candidate = weight[:two].mul(2.0).t(), weight[two:].mul(4.0).t()
        bias = (bias_h[two:] - weight[two:].sum(1)).mul(2.0)
        g = carried[0]
        last = g
        for i, part in enumerate(torch.split(mapped, sizes)):
            before = last[: part.shape[0]]  # (size, H)
            gates, candidate = part[:, :two], part[:, two:]
            if same and i == 0:
                gates = gates.add_(before[:1].mm(by_gates)).sigmoid_()
                own = torch.addmm(bias, before[:1], by_candidate)
            else:
                gates = gates.addmm_(before, by_gates).sigmoid_()
                own = torch.addmm(bias, before, by_candidate)
            candidate = candidate.addcmul_(gates[:, : self.size], own).sigmoid_()
            if each:
                last = candidate.lerp_(before, gates[:, self.size :])
            else:
                torch.lerp(candidate, before, gates[:, self.size :], out=before)
        if not each:
            return []
        g[: last.shape[0]].copy_(last)
        return [mapped[:, two:].mul_(2.0).sub_(1.0)]

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
