"""Long short-term memory on ragged batches."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from sqlscore.models.encoders.recurrent import Recurrent
from sqlscore.models.ragged.arithmetic import lengths_of, packing_of, rows_of


class LSTM(Recurrent):
    """Long short-term memory with forget gates (Gers et al. 2000, Neural Computation 12(10), eq. 2-7 of section 3).

    i_t, f_t, o_t = sigmoid(W x_t + U h_{t-1});  g_t = tanh(W_g x_t + U_g h_{t-1})
    c_t = f_t c_{t-1} + i_t g_t;  h_t = o_t tanh(c_t)

    Causal, and a fold: a state is [h | c], of which the heads read h alone.
    """

    def __init__(self, embedding: int, hidden: int) -> None:
        super().__init__(2 * hidden)
        self.hidden = hidden
        self.lstm = nn.LSTM(embedding, hidden)

    def maps(self) -> tuple[Tensor, Tensor]:
        """Of [i | f | o | 2 g], all biases included; the library's order is i, f, g, o."""
        own, _, bias, bias_h = self._weights()
        return self._in_order(own), self._in_order(bias + bias_h)

    def begin(self, start: Tensor) -> list[Tensor]:
        """H and c."""
        h, c = start.chunk(2, 1)
        return [h.contiguous(), c.contiguous()]

    def end(self, carried: list[Tensor]) -> Tensor:
        """-> [h | c]."""
        return torch.cat(carried, 1)

    def run(self, mapped: Tensor, carried: list[Tensor], sizes: list[int], same: bool, each: bool) -> list[Tensor]:
        """Step by step, the product added in place to what the step's events gave.

        tanh(y) = 2 sigmoid(2 y) - 1, for which torch takes a third of the time that tanh costs.
        """
        weight = self._in_order(self._weights()[1]).t()
        h, c = carried
        size, three = self.hidden, 3 * self.hidden
        for t, part in enumerate(torch.split(mapped, sizes)):
            before, cell = h[: part.shape[0]], c[: part.shape[0]]
            part = part.add_(before[:1].mm(weight)) if same and t == 0 else part.addmm_(before, weight)
            part = part.sigmoid_()
            i, f, o = part[:, :size], part[:, size : 2 * size], part[:, 2 * size : three]
            cell = cell.mul_(f).addcmul_(part[:, three:].mul_(2.0).sub_(1.0), i)
            before = before.copy_(cell).mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0).mul_(o)
            if each:
                part[:, :size].copy_(before)
                part[:, size : 2 * size].copy_(cell)
        return [mapped[:, : 2 * size]] if each else []

    def _in_order(self, rows: Tensor) -> Tensor:
        """(4H, ..) in the library's order -> [i | f | o | 2 g]."""
        i, f, g, o = rows.chunk(4)
        return torch.cat([i, f, o, 2.0 * g])

    def _weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        unit = self.lstm
        return unit.weight_ih_l0, unit.weight_hh_l0, unit.bias_ih_l0, unit.bias_hh_l0  # type: ignore[return-value]

    @torch.jit.unused
    def parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """The same by the library: on a padded copy if `each`, as the gradient of a packed sequence costs L x T.

        What is computed on padding reaches no event. The cells after every event are left 0: no head reads them.
        """
        if not each:
            order, batch_sizes, position = packing_of(offsets)
            packed = torch.empty_like(x).index_copy(0, position, x)  # (T, E)
            first = state[order]  # (M, 2H)
            _, (h, c) = self.lstm(PackedSequence(packed, batch_sizes, None, None), self._start(first))
            return state.index_copy(0, order, torch.cat([h[0], c[0]], 1))
        row = rows_of(offsets)  # (T,)
        step = torch.arange(x.shape[0], device=x.device) - offsets[row]  # (T,)
        longest = int(lengths_of(offsets).max())
        padded = x.new_zeros((longest, state.shape[0], x.shape[1]))  # (L, N, E)
        outputs, _ = self.lstm(padded.index_put((step, row), x), self._start(state))  # (L, N, H)
        h = outputs[step, row]  # (T, H)
        return torch.cat([h, torch.zeros_like(h)], 1)  # (T, 2H)

    @torch.jit.unused
    def _start(self, state: Tensor) -> tuple[Tensor, Tensor]:
        h, c = state.unsqueeze(0).chunk(2, 2)
        return h.contiguous(), c.contiguous()
