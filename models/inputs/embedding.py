"""Events -> vectors: what every architecture reads."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.events.inputs import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.inputs.row_sums import RowMeans, RowSums
from sqlscore.models.ragged.arithmetic import has_time
from sqlscore.scoring.batch import Batch
from sqlscore.scoring.encoding import NGRAM_BUCKETS, ngrams

_GAP_BUCKETS = 112  # no time, first event of a user, and half octaves from 2^-10 s (1 ms) to 2^44.5 s (800,000 years)


class EventEmbedding(nn.Module):
    """The sum of one vector for each thing that is known of an event.

    - the action: an embedding of its own plus the mean of the embeddings of its hashed character n-grams
      (fastText, arXiv 1607.04606, equation in section 3.2), so that a never-seen action still means something;
    - the time since the previous event: a bucket of half an octave;
    - hour of day and weekday, each on the circle, UTC;
    - extra columns: an embedding per category, numbers on a standardised logarithmic scale with a missing flag.

    All vectors are rows of one table, [actions V + 1 | gaps | hours of the week | categories .. | novel actions], so
    that an event is one sum of its rows. `freeze()` computes the rows that depend on no batch once, for scoring.
    """

    category_starts: Tensor
    ngram_values: Tensor
    ngram_starts: Tensor
    frozen: Tensor
    log_gap: Tensor
    week: Tensor
    scale: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, config: ModelConfig, inputs: Inputs) -> None:
        super().__init__()
        size = config.embedding
        self.id_dropout = config.id_dropout
        self.known = len(inputs.actions)
        self.action = nn.Embedding(self.known + 1, size, padding_idx=0)
        self.ngram = nn.EmbeddingBag(NGRAM_BUCKETS, size, mode="mean")
        self.gap = nn.Embedding(_GAP_BUCKETS, size)
        self.gap_slope = nn.Parameter(torch.zeros(size))  # what neighbouring buckets share
        self.calendar = nn.Linear(4, size, bias=False)
        self.categorical = nn.ModuleList(
            nn.Embedding(len(values) + 1, size, padding_idx=0) for values in inputs.categorical.values()
        )
        self.numeric = nn.Parameter(torch.randn(2 * len(inputs.numeric), size) * 0.3)
        for embedding in (self.action, self.ngram, self.gap, *self.categorical):
            nn.init.normal_(embedding.weight, std=0.3)
        for embedding in (self.action, *self.categorical):
            nn.init.zeros_(embedding.weight[0].detach())
        starts = [self.known + 1 + _GAP_BUCKETS + 169]  # where each categorical column's rows begin
        for values in inputs.categorical.values():
            starts.append(starts[-1] + len(values) + 1)
        self.rows = starts.pop()  # of the table, novel actions left out
        self.register_buffer("category_starts", torch.tensor(starts, dtype=torch.int64))
        grams = [ngrams(action) for action in inputs.actions]
        self.register_buffer("ngram_values", torch.from_numpy(np.concatenate(grams)))
        self.register_buffer("ngram_starts", torch.from_numpy(np.cumsum([0, *(len(g) for g in grams[:-1])])))
        self.register_buffer("frozen", torch.zeros(0, size))
        self.register_buffer("log_gap", torch.linspace(-1.0, 1.0, _GAP_BUCKETS).unsqueeze(1))
        self.register_buffer("week", _week())
        self.register_buffer("scale", torch.ones(len(inputs.numeric)))
        self.register_buffer("mean", torch.zeros(len(inputs.numeric)))
        self.register_buffer("spread", torch.ones(len(inputs.numeric)))

    def freeze(self) -> None:
        """Compute the table once, for scoring."""
        with torch.no_grad():
            self.frozen = self.table(self.names())

    def names(self) -> Tensor:
        """(V + 1, E): the part of each known action's vector that comes from its name; zeros for code 0."""
        by_name = self._named() if self.training else self.ngram(self.ngram_values, self.ngram_starts)
        return torch.cat([self.action.weight[:1], by_name])

    @torch.jit.unused
    def _named(self) -> Tensor:
        means: Tensor = RowMeans.apply(self.ngram.weight, self.ngram_values, self.ngram_starts)  # type: ignore[no-untyped-call]
        return means

    def actions(self, names: Tensor) -> Tensor:
        """(V + 1, E) -> (V + 1, E): the vectors of the known actions."""
        return names + self.action.weight

    def table(self, names: Tensor) -> Tensor:
        """(V + 1, E) -> (R, E), without rows for novel actions."""
        gaps = self.gap.weight + self.log_gap * self.gap_slope
        parts = [self.actions(names), gaps, self.calendar(self.week)]
        for embedding in self.categorical:
            parts.append(embedding.weight)
        return torch.cat(parts)

    def standardise(self, numbers: Tensor) -> Tensor:
        """(T, F), NaN = missing -> (T, 2F): numbers on a common scale, 0 where missing; then the missing flags."""
        missing = ~torch.isfinite(numbers)
        values = (torch.sign(numbers) * torch.log1p(numbers.abs() / self.scale) - self.mean) / self.spread
        return torch.cat([values.clamp(-8.0, 8.0).masked_fill(missing, 0.0), missing.to(numbers.dtype)], 1)

    def rows_of(self, categories: Tensor, times: Tensor, gaps: Tensor, known_gap: Tensor) -> Tensor:
        """The rows of the table whose sum is an event, one of each kind; the u-th novel action's row is `rows + u`.

        Args:
            categories: int64 (T, 1 + C), codes of the action and of the categorical columns.
            times: int64 (T,), µs.
            gaps: float64 (T,), seconds since the previous event.
            known_gap: bool (T,), whether that gap is known.

        Returns:
            int64 (T, K): gap, hour of the week, action, then the categorical columns.
        """
        rows = torch.empty(times.shape[0], 2 + categories.shape[1], dtype=torch.int64, device=times.device)
        timed = has_time(times)  # (T,)
        # the small constant keeps whole powers of two off the edge between two buckets, where rounding would decide
        octaves = torch.floor(2.0 * torch.log2(gaps.clamp(2.0**-10, 2.0**44)) + 1e-9).long()
        rows[:, 0] = torch.where(known_gap, octaves + 22, timed.long()) + (self.known + 1)
        hours = torch.div(times, 3_600_000_000, rounding_mode="floor") + 72  # 1970-01-01 was a Thursday
        rows[:, 1] = torch.where(timed, torch.remainder(hours, 168), 168) + (self.known + 1 + self.gap.num_embeddings)
        rows[:, 3:] = categories[:, 1:] + self.category_starts
        codes = categories[:, 0]
        rows[:, 2] = torch.where(codes > self.known, codes + (self.rows - self.known - 1), codes)
        return rows

    def forward(
        self,
        batch: Batch,
        standardised: Tensor,  # (T, 2F)
        gaps: Tensor,  # float64 (T,)
        known_gap: Tensor,  # bool (T,)
    ) -> Tensor:
        """-> float32 (T, E)."""
        rows = self.rows_of(batch.categories, batch.times, gaps, known_gap)  # (T, K)
        return self.summed(batch, rows, standardised)

    def summed(self, batch: Batch, rows: Tensor, standardised: Tensor) -> Tensor:
        """The vectors of events whose rows `rows_of` found.

        Args:
            batch: T events.
            rows: int64 (T, K).
            standardised: (T, 2F).

        Returns:
            float32 (T, E).
        """
        table, names = self.frozen, self.frozen
        if table.shape[0] == 0:
            names = self.names()
            table = self.table(names)
        if batch.novel_offsets.shape[0] > 1:
            table = torch.cat([table, self.ngram(batch.novel_values, batch.novel_offsets[:-1])])
        if self.training and self.id_dropout > 0.0:
            codes = batch.categories[:, 0]
            by_name = (torch.rand(codes.shape[0], device=codes.device) < self.id_dropout) & (codes <= self.known)
            rows = rows.clone()  # they may be read again
            rows[:, 2] = torch.where(by_name, codes + table.shape[0], rows[:, 2])
            table = torch.cat([table, names])
        x = self._sums(table, rows) if self.training else F.embedding_bag(rows, table, mode="sum")
        return torch.addmm(x, standardised, self.numeric) if standardised.shape[1] > 0 else x

    @torch.jit.unused
    def _sums(self, table: Tensor, rows: Tensor) -> Tensor:
        sums: Tensor = RowSums.apply(table, rows)  # type: ignore[no-untyped-call]
        return sums


def _week() -> Tensor:
    """(169, 4): hour and weekday on the circle for each hour of the week from Monday 0:00; the last row is no time."""
    hours = torch.arange(168)
    day, week = (hours % 24) * (torch.pi / 12), (hours // 24) * (2 * torch.pi / 7)
    circle = torch.stack([day.sin(), day.cos(), week.sin(), week.cos()], 1)
    return torch.cat([circle, torch.zeros(1, 4)])
