"""A Markov chain with back-off as a model like the others: counts in tables, nothing learned by steps."""

from typing import Optional

import torch
from torch import Tensor, nn

from sqlscore.events.inputs import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import gaps_of, lengths_of, no_time, rows_of
from sqlscore.scoring.batch import Batch

_PRIOR = 2.0  # how many observations the shorter context's distribution counts for


class Markov(nn.Module):
    """p(y | c_n) = (count(c_n, y) + k p(y | c_{n-1})) / (count(c_n) + k) for contexts of the last n actions.

    Back-off by a Dirichlet prior (MacKay & Peto 1995, Natural Language Engineering 1(3), eq. 20), from the actions'
    shares up to order `order`. The time to the next event is the median after the last action. No churn.
    A state is [codes of the last actions, newest first; V + 1 for an unknown one, 0 for none | running summaries].
    """

    context: Tensor
    action: Tensor
    count: Tensor
    share: Tensor
    median_seconds: Tensor

    def __init__(self, config: ModelConfig, inputs: Inputs, order: int) -> None:
        super().__init__()
        self.order = order
        self.known = len(inputs.actions)
        self.prior = _PRIOR
        counted = min(config.counted_actions, self.known)
        self.summary = Summary(counted, 0, config.decay_seconds, config.visit_gap_seconds)
        self.state_size = order + self.summary.size
        self.embedding_size = counted + 1
        self.ends = [0] * (order + 1)  # of each order's part of the tables
        self.register_buffer("context", torch.zeros(0, dtype=torch.int64))  # rising within an order
        self.register_buffer("action", torch.zeros(0, dtype=torch.int64))  # 0-based
        self.register_buffer("count", torch.zeros(0))
        self.register_buffer("share", torch.full((self.known,), 1.0 / max(self.known, 1)))
        self.register_buffer("median_seconds", torch.zeros(self.known + 2, dtype=torch.float64))

    @torch.jit.export
    def encode(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045 - what TorchScript reads
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state (N, S), clock (N, 2)) after each sequence; an empty one leaves its state as it is."""
        old, before = self._start(batch.offsets, hidden, clock)
        state, after = self._run(batch, old, before, False)
        filled = torch.nonzero(lengths_of(batch.offsets))[:, 0]  # (M,)
        return old.index_copy(0, filled, state), before.index_copy(0, filled, after)

    @torch.jit.export
    def encode_each(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state (T, S), clock (T, 2)) after every event."""
        old, before = self._start(batch.offsets, hidden, clock)
        return self._run(batch, old, before, True)

    @torch.jit.export
    def next_logits(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, V): logarithms of the probabilities."""
        probability = self.share.repeat(hidden.shape[0], 1)  # (N, V)
        context = torch.zeros(hidden.shape[0], dtype=torch.int64, device=hidden.device)  # (N,)
        place = 1
        for n in range(self.order):
            context = context + hidden[:, n].long() * place
            place *= self.known + 2
            low, high = self.ends[n], self.ends[n + 1]
            known = self.context[low:high]
            start = torch.searchsorted(known, context)  # (N,)
            sizes = torch.searchsorted(known, context, right=True) - start
            row = torch.repeat_interleave(torch.arange(sizes.shape[0], device=hidden.device), sizes)  # (C,)
            skipped = torch.repeat_interleave(start + low - (sizes.cumsum(0) - sizes), sizes)
            which = skipped + torch.arange(row.shape[0], device=hidden.device)
            total = torch.zeros_like(probability[:, 0]).index_add(0, row, self.count[which])  # (N,)
            probability = (probability * self.prior).index_put(
                (row, self.action[which]), self.count[which], accumulate=True
            )
            probability = probability / (total + self.prior).unsqueeze(1)
        return torch.log(probability)

    @torch.jit.export
    def seconds(self, hidden: Tensor) -> Tensor:
        """(N, S) -> float64 (N,)."""
        return self.median_seconds[hidden[:, 0].long()]

    @torch.jit.export
    def churn(self, hidden: Tensor, elapsed: Tensor) -> Tensor:
        """Nothing is known of churn, and the manifest lists no such head: a half."""
        return torch.full_like(hidden[:, 0], 0.5)

    @torch.jit.export
    def embed(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, A + 1): the shares of the most frequent actions in the history, the others' first."""
        counts = hidden[:, self.order : self.order + self.embedding_size]
        return counts / counts.sum(1, keepdim=True).clamp(min=1.0)

    def _start(
        self,
        offsets: Tensor,
        hidden: Optional[Tensor],  # noqa: UP045
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        n = offsets.shape[0] - 1
        if hidden is None:
            hidden = torch.zeros(n, self.state_size, device=offsets.device)
        if clock is None:
            clock = torch.full((n, 2), no_time(), device=offsets.device)
        return hidden, clock

    def _run(self, batch: Batch, old: Tensor, clock: Tensor, each: bool) -> tuple[Tensor, Tensor]:
        """-> states and clocks of all T events, or of the M non-empty sequences."""
        actions, times, offsets = batch.categories[:, 0], batch.times, batch.offsets
        row = torch.nonzero(lengths_of(offsets))[:, 0]
        at = offsets[1:][row] - 1
        if each:
            row = rows_of(offsets)
            at = torch.arange(times.shape[0], device=times.device)
        codes = actions.clamp(max=self.known + 1).float()  # (T,)
        place = at.unsqueeze(1) - torch.arange(self.order, device=times.device)  # (P, n): the event so many before
        missing = offsets[row].unsqueeze(1) - place  # (P, n): from 1 on, in the state
        held = old[row, : self.order].gather(1, (missing - 1).clamp(0, self.order - 1))
        last = torch.where(missing > 0, held, codes[place.clamp(min=0)])  # (P, n)
        gaps, known = gaps_of(times, offsets, clock[:, 1])
        none = torch.zeros(times.shape[0], 0, device=times.device)
        summary, after = self.summary(actions, none, times, offsets, gaps, known, old[:, self.order :], clock, each)
        return torch.cat([last, summary], 1), after
