"""Counts of what followed the last few actions, as a distribution: what memory knows beside what a network learns."""

import torch
from torch import Tensor, nn

from sqlscore.scoring import tables
from sqlscore.scoring.softmax import softmax_of_rows

ORDER = 5
"""Last actions that a model keeps in its states for its counts, if their codes fit."""


class BackOff(nn.Module):
    """p(y | c_n) = (count(c_n, y) + k p(y | c_{n-1})) / (count(c_n) + k) for contexts of the last n actions.

    Back-off by a Dirichlet prior (MacKay & Peto 1995, Natural Language Engineering 1(3), eq. 20), from the actions'
    shares up to the last `order` actions. A context is a number: the codes as digits in base V + 2, the newest lowest;
    0 stands for no action and V + 1 for an unknown one. Counts may be fractions, if old targets count for less.
    """

    context: Tensor
    start: Tensor
    total: Tensor
    action: Tensor
    count: Tensor
    share: Tensor
    frozen: Tensor

    def __init__(self, actions: int, order: int) -> None:
        super().__init__()
        self.known = actions
        self.order = order
        self.prior = 2.0
        self.network_weight = 1.0  # of a network beside it; what is missing to 1 is the weight of the counts
        self.ends = [0] * (order + 1)  # of each order's part of the contexts
        self.register_buffer("context", torch.zeros(0, dtype=torch.int64))  # (C,) rising within an order
        self.register_buffer("start", torch.zeros(1, dtype=torch.int64))  # (C + 1,) of each context's counts
        self.register_buffer("total", torch.zeros(0))  # (C,)
        self.register_buffer("action", torch.zeros(0, dtype=torch.int64))  # (M,) 0-based
        self.register_buffer("count", torch.zeros(0))  # (M,)
        self.register_buffer("share", torch.full((actions,), 1.0 / max(actions, 1)))  # (V,)
        self.register_buffer("frozen", torch.zeros(0, 0))  # (1 + C, V), the shares first

    def freeze(self) -> None:
        """Store the distribution after every context, for scoring, if that is not too much."""
        if (1 + self.context.shape[0]) * self.known > tables.CELLS:
            self.frozen = self.frozen[:0]
            return
        rows = [self.share.unsqueeze(0)]
        place = 1
        for n in range(self.order):
            low, high = self.ends[n], self.ends[n + 1]
            if n == 0:
                shorter = rows[0].expand(high - low, -1)
            else:
                before = self.context[self.ends[n - 1] : low]
                shorter = rows[n][torch.searchsorted(before, self.context[low:high] % place)]
            place *= self.known + 2
            sizes = self.start[low + 1 : high + 1] - self.start[low:high]
            row = torch.repeat_interleave(torch.arange(high - low), sizes)
            which = slice(int(self.start[low]), int(self.start[high]))
            found = (shorter * self.prior).index_put((row, self.action[which]), self.count[which], accumulate=True)
            rows.append(found / (self.total[low:high] + self.prior).unsqueeze(1))
        self.frozen = torch.cat(rows)

    def forward(self, recent: Tensor) -> Tensor:
        """(N, n) codes of the last actions, newest first, as floats -> (N, V): probabilities of the next action."""
        contexts = self._contexts(recent)
        if self.frozen.shape[0] > 0:
            return self.frozen.index_select(0, self._longest(contexts))
        left = torch.ones(recent.shape[0], device=recent.device)  # (N,) the part of the shorter contexts
        found = torch.zeros(recent.shape[0] * self.known, device=recent.device)
        for back in range(self.order):
            n = self.order - 1 - back
            if self.ends[n + 1] == self.ends[n]:
                continue
            at, is_known = self._place(contexts[n], n)
            total = self.total[at] * is_known
            sizes = (self.start[at + 1] - self.start[at]) * is_known
            row = torch.repeat_interleave(torch.arange(sizes.shape[0], device=recent.device), sizes)
            skipped = torch.repeat_interleave(self.start[at] - (sizes.cumsum(0) - sizes), sizes)
            which = skipped + torch.arange(row.shape[0], device=recent.device)
            part = self.count[which] * (left / (total + self.prior))[row]
            found.index_add_(0, row * self.known + self.action[which], part)
            left = left * (self.prior / (total + self.prior))
        return torch.addmm(found.view(-1, self.known), left.unsqueeze(1), self.share.unsqueeze(0))

    def mixed(self, logits: Tensor, recent: Tensor) -> Tensor:
        """(N, V) logits of a network, (N, n) last codes -> (N, V) logarithms of the weighted mean of both."""
        if self.network_weight >= 1.0:
            return logits
        return torch.log(self.network_weight * softmax_of_rows(logits) + (1.0 - self.network_weight) * self(recent))

    def _contexts(self, recent: Tensor) -> list[Tensor]:
        """The numbers (N,) of the contexts of one action, of two, and so on."""
        contexts: list[Tensor] = []
        context = torch.zeros(recent.shape[0], dtype=torch.int64, device=recent.device)
        place = 1
        for n in range(self.order):
            context = context + recent[:, n].long() * place
            place *= self.known + 2
            contexts.append(context)
        return contexts

    def _place(self, context: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """(N,) -> (N,) where contexts of n + 1 actions stand among all, and whether they do."""
        low, high = self.ends[n], self.ends[n + 1]
        known = self.context[low:high]
        at = torch.searchsorted(known, context).clamp(max=high - low - 1)
        return at + low, known[at] == context

    def _longest(self, contexts: list[Tensor]) -> Tensor:
        """(N,) the row of `frozen` after the longest context that was seen."""
        row = torch.zeros_like(contexts[0])
        for n in range(self.order):
            if self.ends[n + 1] == self.ends[n]:
                break
            at, is_known = self._place(contexts[n], n)
            row = torch.where(is_known, at + 1, row)
        return row
