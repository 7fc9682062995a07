"""A Markov chain with back-off as a model like the others: counts in tables, nothing learned by steps."""

from typing import Optional

import torch
from torch import Tensor, nn

from sqlscore.events.inputs import Inputs
from sqlscore.models.back_off import BackOff
from sqlscore.models.config import ModelConfig
from sqlscore.models.ragged.arithmetic import has_time, lengths_of, no_time, rows_of
from sqlscore.models.ragged.newest import newest_codes
from sqlscore.models.time_bins import quantiles, share_within
from sqlscore.scoring.batch import Batch

TIME_LEVELS = 33
"""Quantiles of the time to the next event that are counted after each action: evenly from 0 to 1, the median inside."""


class Markov(nn.Module):
    """Counts of what followed the last `order` actions, see `BackOff`, and nothing else.

    The time to the next event is as it was after the last action. No churn.
    A state is [codes of the last actions, newest first; V + 1 for an unknown one, 0 for none | how often each of the A
    most frequent actions came, others first]. `scoring.counts.Counts` does the same without torch.
    """

    log_seconds: Tensor

    def __init__(self, config: ModelConfig, inputs: Inputs, order: int) -> None:
        super().__init__()
        self.order = order
        self.known = len(inputs.actions)
        self.counts = BackOff(self.known, order)
        self.counted = min(config.counted_actions, self.known)
        self.embedding_size = self.counted + 1
        self.state_size = order + self.embedding_size
        self.register_buffer("log_seconds", torch.zeros(self.known + 2, TIME_LEVELS))

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
        return torch.log(self.counts(hidden[:, : self.order]))

    @torch.jit.export
    def seconds(self, hidden: Tensor) -> Tensor:
        """(N, S) -> float64 (N,)."""
        return torch.expm1(self.log_seconds[hidden[:, 0].long(), self.log_seconds.shape[1] // 2].double())

    @torch.jit.export
    def seconds_at(self, hidden: Tensor, levels: Tensor) -> Tensor:
        """(N, S), (N, Q) in [0, 1] -> float64 (N, Q)."""
        edges = self.log_seconds[hidden[:, 0].long()]
        return torch.expm1(quantiles(self._evenly(edges), edges, levels.float()).double())

    @torch.jit.export
    def within(self, hidden: Tensor, seconds: Tensor) -> Tensor:
        """(N, S), float64 (N,) -> (N,)."""
        edges = self.log_seconds[hidden[:, 0].long()]
        return share_within(self._evenly(edges), edges, torch.log1p(seconds))

    @torch.jit.export
    def churn(self, hidden: Tensor, elapsed: Tensor) -> Tensor:
        """Nothing is known of churn, and the manifest lists no such head: a half."""
        return torch.full_like(hidden[:, 0], 0.5)

    @torch.jit.export
    def embed(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, A + 1): the shares of the most frequent actions in the history, the others' first."""
        counts = hidden[:, self.order :]
        return counts / counts.sum(1, keepdim=True).clamp(min=1.0)

    def _evenly(self, edges: Tensor) -> Tensor:
        """(N, L) quantiles -> (N, L - 1): the levels from the second on."""
        size = edges.shape[1] - 1
        levels = torch.arange(1, size + 1, device=edges.device) / size
        return levels.expand(edges.shape[0], -1).contiguous()

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
        last = newest_codes(actions.clamp(max=self.known + 1), offsets, old[:, : self.order], each)
        slots = actions.masked_fill(actions > self.counted, 0)
        wide = self.embedding_size
        row = rows_of(offsets)  # (T,)
        if each:
            ones = torch.zeros(actions.shape[0] + 1, wide, dtype=torch.int32, device=actions.device)
            ones[1:].scatter_(1, slots.unsqueeze(1), 1)
            running = ones.cumsum_(0)  # (T + 1, A + 1)
            first = offsets.index_select(0, row)  # (T,)
            counts = running[1:] - running.index_select(0, first)
            started, now, rows = times[first], times, row
        else:
            rows = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
            counts = torch.bincount(row * wide + slots, minlength=old.shape[0] * wide).view(-1, wide)[rows]
            started, now = times[offsets[:-1][rows]], times[offsets[1:][rows] - 1]
        begun = clock[:, 0].index_select(0, rows)
        after = torch.stack([torch.where(has_time(begun), begun, started), now], 1)
        return torch.cat([last, old[:, self.order :].index_select(0, rows) + counts], 1), after
