"""The last k events as one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.dropout import Dropout
from sqlscore.models.ragged.arithmetic import lengths_of, rows_of


class RecentWindow(nn.Module):
    """h_t = gelu(W_2 gelu(W_1 [x_t ; x_{t-1} ; .. ; x_{t-k+1}])): the n-gram network of Bengio et al. (2003, JMLR 3,
    eq. 1) on embeddings of whole events, their gaps among them; tenure and counts come from the running summaries.

    A fold: a state is [h | the last k embeddings, newest first], zeros if there were fewer; the heads read h.
    """

    def __init__(self, embedding: int, hidden: int, events: int, dropout: float) -> None:
        super().__init__()
        self.hidden = hidden
        self.events = events  # k
        self.embedding = embedding
        self.size = hidden + events * embedding
        self.one = nn.Linear(events * embedding, 2 * hidden)
        self.two = nn.Linear(2 * hidden, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """States of sequences.

        Args:
            x: (T, E), the vectors of the events.
            offsets: int64 (N + 1,), where each sequence begins.
            state: (N, S), the states to go on from.
            each: read a state after every event, not only at the end of each sequence.

        Returns:
            (T, S) if `each`, else (N, S).
        """
        row = rows_of(offsets)  # (T,)
        if each:
            at = torch.arange(x.shape[0], device=x.device)  # (P,)
        else:
            row = torch.nonzero(lengths_of(offsets))[:, 0]
            at = offsets[1:][row] - 1
        back = torch.arange(self.events, device=x.device)  # (k,)
        place = at.unsqueeze(1) - back  # (P, k): the event so many before
        missing = (offsets[row].unsqueeze(1) - place).clamp(min=0)  # (P, k): from 1 on, in the state
        # the state's events, newest first, then this batch's: one table to read from
        held = state[:, self.hidden :].reshape(-1, self.embedding)  # (N k, E)
        old = held.shape[0] > 0 and bool((missing > 0).any())
        source = torch.cat([held, x]) if old else x
        here = place + held.shape[0] if old else place
        index = torch.where(missing > 0, row.unsqueeze(1) * self.events + missing - 1, here)  # (P, k)
        recent = source[index].flatten(1)  # (P, k E)
        h = F.gelu(self.two(self.dropout(F.gelu(self.one(self.dropout(recent))))))  # (P, H)
        after = torch.cat([h, recent], 1)  # (P, S)
        return after if each else state.index_copy(0, row, after)
