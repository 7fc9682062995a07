"""Events -> vectors: what every architecture reads."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.batch import NGRAM_BUCKETS, ngrams
from sqlscore.events import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.ragged import has_time

_HALF_OCTAVES = torch.arange(-20, 90).double() / 2  # boundaries of the gap buckets: 2^-10 s (1 ms) to 2^44.5 s


class EventEmbedding(nn.Module):
    """The sum of one vector for each thing that is known of an event.

    - the action: an embedding of its own plus the mean of the embeddings of its hashed character n-grams
      (fastText, arXiv 1607.04606, equation in section 3.2), so that a never-seen action still means something;
    - the time since the previous event: a bucket of half an octave, and its logarithm;
    - hour of day and weekday, each on the circle, UTC;
    - extra columns: an embedding per category, numbers as standardised asinh with a missing flag.

    `train_tables()` drops and `freeze_tables()` fills `table`, which holds the vector of each known action.
    """

    def __init__(self, config: ModelConfig, inputs: Inputs) -> None:
        super().__init__()
        size = config.embedding
        self.id_dropout = config.id_dropout
        self.known = len(inputs.actions)
        self.action = nn.Embedding(self.known + 1, size, padding_idx=0)
        self.ngram = nn.EmbeddingBag(NGRAM_BUCKETS, size, mode="mean")
        self.gap = nn.Embedding(len(_HALF_OCTAVES) + 3, size)  # 0: no time, 1: first event
        self.calendar = nn.Linear(4, size, bias=False)
        self.numeric = nn.Linear(1 + 2 * len(inputs.numeric), size)
        self.categorical = nn.ModuleList(
            nn.Embedding(len(values) + 1, size, padding_idx=0) for values in inputs.categorical.values()
        )
        for embedding in (self.action, self.ngram, self.gap, *self.categorical):
            nn.init.normal_(embedding.weight, std=0.3)
        nn.init.zeros_(self.action.weight[0].detach())
        grams = [ngrams(action) for action in inputs.actions] or [np.zeros(0, np.int64)]
        starts = np.cumsum([0, *(len(g) for g in grams[:-1])])
        self.register_buffer("ngram_values", torch.from_numpy(np.concatenate(grams)))
        self.register_buffer("ngram_starts", torch.from_numpy(starts[: self.known].astype(np.int64)))
        self.register_buffer("table", torch.zeros(0, size))
        self.register_buffer("boundaries", torch.exp2(_HALF_OCTAVES))
        self.register_buffer("week", _week())
        self.register_buffer("scale", torch.ones(len(inputs.numeric)))
        self.register_buffer("mean", torch.zeros(len(inputs.numeric)))
        self.register_buffer("spread", torch.ones(len(inputs.numeric)))

    def freeze_tables(self) -> None:
        """Compute the vector of each known action once, for scoring."""
        with torch.no_grad():
            self.table = torch.cat([self.action.weight[:1], self.action.weight[1:] + self.ngram_vectors()])

    def ngram_vectors(self) -> Tensor:
        """(V, E): the part of each known action's vector that comes from its name."""
        vectors: Tensor = self.ngram(self.ngram_values, self.ngram_starts)
        return vectors

    def standardise(self, numbers: Tensor) -> Tensor:
        """(T, F), NaN = missing -> (T, 2F): numbers on a common scale, 0 where missing; then the missing flags."""
        missing = ~torch.isfinite(numbers)
        values = (torch.asinh(numbers / self.scale) - self.mean) / self.spread
        return torch.cat([values.clamp(-8.0, 8.0).masked_fill(missing, 0.0), missing.to(numbers.dtype)], 1)

    def forward(
        self,
        categories: Tensor,  # int64 (T, C)
        standardised: Tensor,  # (T, 2F)
        times: Tensor,  # int64 (T,)
        gaps: Tensor,  # float64 (T,)
        known_gap: Tensor,  # bool (T,)
        novel_values: Tensor,  # int64 (M,)
        novel_offsets: Tensor,  # int64 (U + 1,)
    ) -> Tensor:
        """-> float32 (T, E)."""
        x = self._actions(categories[:, 0], novel_values, novel_offsets)  # (T, E)
        timed = has_time(times)  # (T,)
        bucket = torch.bucketize(gaps, self.boundaries) + 2  # (T,)
        bucket = torch.where(known_gap, bucket, timed.long())
        x = x + F.embedding(bucket, self.gap.weight)
        hours = torch.div(times, 3_600_000_000, rounding_mode="floor") + 72  # (T,): 1970-01-01 was a Thursday
        hour = torch.where(timed, torch.remainder(hours, 168), 168)  # (T,): of the week, 168 without time
        x = x + F.embedding(hour, self.calendar(self.week))
        log_gap = torch.log1p(gaps).float().unsqueeze(1) * 0.2  # (T, 1): about 0..3
        x = x + self.numeric(torch.cat([log_gap, standardised], 1))
        for column, embedding in enumerate(self.categorical):
            x = x + embedding(categories[:, column + 1])
        return x

    def _actions(self, codes: Tensor, novel_values: Tensor, novel_offsets: Tensor) -> Tensor:
        """(T,) codes -> (T, E); codes above V are rows of `novel_offsets`."""
        known = self.table
        names = torch.zeros(0)
        if known.shape[0] == 0:
            names = torch.cat([self.action.weight[:1], self.ngram(self.ngram_values, self.ngram_starts)])  # (V + 1, E)
            known = names + self.action.weight
        if novel_offsets.shape[0] > 1:
            novel = self.ngram(novel_values, novel_offsets[:-1])  # (U, E)
            known, names = torch.cat([known, novel]), torch.cat([names, novel]) if self.training else names
        x = F.embedding(codes, known)  # (T, E)
        if self.training and self.id_dropout > 0.0:
            by_name = torch.rand(codes.shape[0], 1, device=x.device) < self.id_dropout  # (T, 1)
            x = torch.where(by_name, F.embedding(codes, names), x)
        return x


def _week() -> Tensor:
    """(169, 4): hour and weekday on the circle for each hour of the week from Monday 0:00; the last row is no time."""
    hours = torch.arange(168)
    day, week = (hours % 24) * (torch.pi / 12), (hours // 24) * (2 * torch.pi / 7)
    circle = torch.stack([day.sin(), day.cos(), week.sin(), week.cos()], 1)
    return torch.cat([circle, torch.zeros(1, 4)])
