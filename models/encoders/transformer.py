"""A causal transformer on ragged batches, with relative times."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.dropout import Dropout
from sqlscore.models.encoders.attention import attend, log_gaps, not_later, split, weights
from sqlscore.models.ragged.buckets import buckets_of, padded_index


class Layer(nn.Module):
    """Attention, then a network per event, each on the normed input and added to it (pre-norm: arXiv 2002.04745)."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(size)
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.between = nn.LayerNorm(size)
        self.up = nn.Linear(size, 2 * size)
        self.down = nn.Linear(2 * size, size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, of: Tensor, bias: Tensor) -> Tensor:
        """One layer's outputs.

        Args:
            x: (B, L, D), the events.
            of: (B, Q, D), the events that ask.
            bias: (B, h, Q, L), added to the attention's scores.

        Returns:
            (B, Q, D).
        """
        q, k, v = self.projected(x, of)
        y = of + self.dropout(self.out(attend(q, k, v, bias)))
        outputs: Tensor = y + self.dropout(self.down(F.gelu(self.up(self.between(y)))))
        return outputs

    def projected(self, x: Tensor, of: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> q (B, h, Q, d), k and v (B, h, L, d)."""
        k, v = self.key_value(self.before(x)).chunk(2, 2)
        return split(self.query(self.before(of)), self.heads), split(k, self.heads), split(v, self.heads)


class Transformer(nn.Module):
    """Causal self-attention (Vaswani et al. 2017, arXiv 1706.03762, eq. 1), whose scores fade with time and rank.

    score_ij = q_i k_j / sqrt(d) - s_h log(1 + t_i - t_j) - r_h log(1 + i - j)  for j <= i

    with two learned slopes per head: the additive bias of ALiBi (arXiv 2108.12409, section 3) on logarithms, for
    gaps between events span seconds to months. A score depends on no absolute position.
    """

    def __init__(self, embedding: int, hidden: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.size = hidden
        self.into = nn.Linear(embedding, hidden)
        self.layers = nn.ModuleList(Layer(hidden, heads, dropout) for _ in range(layers - 1))
        self.last = Layer(hidden, heads, dropout)
        self.norm = nn.LayerNorm(hidden)
        self.by_time = nn.Parameter(torch.linspace(0.0, 0.5, heads).repeat(layers, 1))  # s (layers, h)
        self.by_rank = nn.Parameter(torch.linspace(2.0, 0.0, heads).repeat(layers, 1))  # r (layers, h)

    def forward(self, x: Tensor, times: Tensor, offsets: Tensor, each: bool) -> Tensor:
        """States of sequences.

        Args:
            x: (T, E), the vectors of the events.
            times: int64 (T,), µs.
            offsets: int64 (N + 1,), where each sequence begins.
            each: read a state after every event, not only at the end of each sequence.

        Returns:
            (T, H) if `each`, else (N, H).
        """
        states = x.new_zeros((x.shape[0] if each else offsets.shape[0] - 1, self.size))
        x = self.into(x)
        for which, width in buckets_of(offsets):
            index, inside = padded_index(offsets, which, width)  # (B, L)
            y, bias = self._before_last(x[index], times[index])
            if each:
                y = self.norm(self.last(y, y, bias))
                states = states.index_copy(0, index[inside], y[inside])
            else:
                own, last = self._ends(y, bias, inside)
                states = states.index_copy(0, which, self.norm(self.last(y, own, last))[:, 0])
        return states

    def attention(self, x: Tensor, times: Tensor, offsets: Tensor) -> Tensor:
        """-> (T,): how much the last event of each sequence attends to each event, mean over the last layer's heads."""
        attended = x.new_zeros((x.shape[0],))
        x = self.into(x)
        for which, width in buckets_of(offsets):
            index, inside = padded_index(offsets, which, width)
            y, bias = self._before_last(x[index], times[index])
            own, last = self._ends(y, bias, inside)
            q, k, _ = self.last.projected(y, own)
            attended = attended.index_copy(0, index[inside], weights(q, k, last)[inside])
        return attended

    def _before_last(self, x: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D) after all layers but the last, and the last's bias (B, h, L, L)."""
        gaps = log_gaps(at).unsqueeze(1)  # (B, 1, L, L)
        step = torch.arange(at.shape[1], device=at.device)
        ranks = torch.log1p((step.unsqueeze(1) - step).clamp(min=0).float())  # (L, L)
        masked = not_later(at.shape[1], at.device)
        slopes = torch.stack([self.by_time, self.by_rank]).unsqueeze(3).unsqueeze(4)  # (2, layers, h, 1, 1)
        for layer, module in enumerate(self.layers):
            x = module(x, x, masked - slopes[0, layer] * gaps - slopes[1, layer] * ranks)
        return x, masked - slopes[0, -1] * gaps - slopes[1, -1] * ranks

    def _ends(self, y: Tensor, bias: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, D) and (B, h, 1, L): the last event of each sequence, and its row of the bias."""
        row, end = torch.arange(y.shape[0], device=y.device), inside.sum(1) - 1
        return y[row, end].unsqueeze(1), bias[row, :, end].unsqueeze(2)
