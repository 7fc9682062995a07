"""A recurrent unit, and attention over what it said at every event so far."""

import torch
from torch import Tensor, nn

from sqlscore.models.dropout import Dropout
from sqlscore.models.encoders.attention import attend, not_later, split, weights
from sqlscore.models.encoders.gru import GRU
from sqlscore.models.ragged.buckets import buckets_of, padded_index

ATTENTIONS = ("global", "self", "multi_head")


class AttentionRNN(nn.Module):
    """GRU whose states h_1 .. h_i are pooled by attention at every event i, then joined with h_i.

    a_ij = softmax over j <= i of q_i tanh(W_k h_j) / sqrt(d);  c_i = sum_j a_ij W_v h_j
    o_i = tanh(W_c [c_i ; h_i])                      (Luong et al. 2015, arXiv 1508.04025, eq. 5)

    kind: "global": one learned query q, as in hierarchical attention (Yang et al. 2016, NAACL, eq. 5-7);
    "self": q_i = W_q h_i, the general score of Luong, eq. 8; "multi_head": the same in four heads (Vaswani et al.
    2017, arXiv 1706.03762, section 3.2.2).
    """

    def __init__(self, embedding: int, hidden: int, kind: str, dropout: float) -> None:
        super().__init__()
        self.size = hidden
        self.asked = kind != "global"
        self.heads = 4 if kind == "multi_head" else 1
        self.gru = GRU(embedding, hidden)
        self.asking = nn.Parameter(torch.randn(1, 1, hidden) * hidden**-0.5)  # q, if it is one for all
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.join = nn.Linear(2 * hidden, hidden)
        self.dropout = Dropout(dropout)

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
        h = self._states(x, offsets)  # (T, H)
        for which, width in buckets_of(offsets):
            index, inside = padded_index(offsets, which, width)  # (B, L)
            padded = h[index]  # (B, L, H)
            if each:
                y = self._joined(padded, padded, not_later(width, x.device))
                states = states.index_copy(0, index[inside], y[inside])
            else:
                own = padded[:, -1:]  # (B, 1, H): padding repeats the last event
                states = states.index_copy(0, which, self._joined(padded, own, self._outside(inside))[:, 0])
        return states

    def attention(self, x: Tensor, times: Tensor, offsets: Tensor) -> Tensor:
        """-> (T,): how much each event weighs in the pool of its sequence's last one, mean over heads."""
        attended = x.new_zeros((x.shape[0],))
        h = self._states(x, offsets)
        for which, width in buckets_of(offsets):
            index, inside = padded_index(offsets, which, width)
            padded = h[index]
            q, k = self._queries(padded[:, -1:]), split(torch.tanh(self.key(padded)), self.heads)
            attended = attended.index_copy(0, index[inside], weights(q, k, self._outside(inside))[inside])
        return attended

    def _states(self, x: Tensor, offsets: Tensor) -> Tensor:
        states: Tensor = self.gru(x, offsets, x.new_zeros((offsets.shape[0] - 1, self.size)), True)
        return states

    def _queries(self, h: Tensor) -> Tensor:
        """(B, Q, H) -> (B, heads, Q, H / heads)."""
        return split(self.query(h) if self.asked else self.asking.expand(h.shape[0], h.shape[1], -1), self.heads)

    def _joined(self, h: Tensor, own: Tensor, bias: Tensor) -> Tensor:
        """h (B, L, H), own (B, Q, H): the states that ask -> (B, Q, H)."""
        k, v = split(torch.tanh(self.key(h)), self.heads), split(self.value(h), self.heads)
        pooled = attend(self._queries(own), k, v, bias)  # (B, Q, H)
        return torch.tanh(self.join(torch.cat([self.dropout(pooled), own], 2)))

    def _outside(self, inside: Tensor) -> Tensor:
        """bool (B, L) -> (B, 1, 1, L): 0 at events, -infinity at padding."""
        return torch.zeros(inside.shape, device=inside.device).masked_fill(~inside, float("-inf"))[:, None, None]
