"""A model and a head for a label, as one network: what of the head reads the encoder's columns learns with these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.events.sequences import stretches
from sqlscore.scoring.batch import Batch, select_events
from sqlscore.scoring.label_features import WIDEST
from sqlscore.scoring.label_head import WITHIN
from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.losses import TIME_WEIGHT, losses
from sqlscore.training.learning.passes import Outputs

BESIDE = 0.1
"""What the loss of the next events counts for, beside the label's."""

_NEXT = 512  # next events a step, at most


@dataclass(frozen=True)
class Told:
    """N labels where they stand in the events of users, and what a head says of them, part by part.

    Attributes:
        events: of all users who have labels, in the base's codes.
        sequence: int64 (N,) which of the sequences each label is of.
        position: int64 (N,) the newest event of all up to the label's moment.
        kinds: int64 (N,) the class; 0 or 1 of yes and no; of a number whether it is more than 0.
        logs: (N,) the log of a number; empty of other labels.
        mean: (L,) of the columns that the encoder made, see `made_by`.
        spread: (L,) their standard deviations.
        weights: (L, K) of these columns, for the logits.
        rest: (N, K) the logits without them.
        amount_weights: (L,) of these columns, for the mean log of a number; empty of other labels.
        amount_rest: (N,) that mean without them.
        noise: the standard deviation of logs around that mean.
    """

    events: Batch
    sequence: Ints
    position: Ints
    kinds: Ints
    logs: Floats
    mean: Floats
    spread: Floats
    weights: Floats
    rest: Floats
    amount_weights: Floats
    amount_rest: Floats
    noise: float = 1.0


def made_by(model: Any, hidden: Tensor, u: Tensor) -> Tensor:
    """(M, H) the encoder's part of states, (M, D) representations -> (M, L) the columns that a head reads of them.

    Those of `label_features.label_features` that are not plain, in their order.
    """
    parts = [torch.sign(hidden) * torch.log1p(hidden.abs())] if model.state_size <= WIDEST else []
    return torch.cat([*parts, u] if u.shape[1] <= WIDEST else parts, 1)


class LabelNet(nn.Module):
    """The model, and the part of the head that reads the encoder's columns."""

    def __init__(self, model: Any, told: Told) -> None:
        super().__init__()
        self.model, self.told = model, told
        self.weights = nn.Parameter(_float(told.weights))
        self.bias = nn.Parameter(torch.zeros(told.weights.shape[1]))
        self.amount_weights = nn.Parameter(_float(told.amount_weights))
        self.amount_bias = nn.Parameter(torch.zeros(()))
        self.mean, self.spread = _float(told.mean), _float(told.spread)
        self.kinds, self.logs = torch.from_numpy(told.kinds), _float(told.logs)
        self.rest, self.amount_rest = _float(told.rest), _float(told.amount_rest)
        self.lengths, self.last = np.diff(told.events.offsets.numpy()), told.events.offsets.numpy()[:-1]

    def loss(self, rows: Ints, random: np.random.Generator) -> Tensor:
        """Of some labels, and of the events that followed others up to the last of them."""
        batch, position = self._cut(rows)
        ends = batch.offsets[1:] - 1
        following = np.setdiff1d(np.arange(batch.times.shape[0]), ends.numpy())  # whose next event is read too
        if len(following) > _NEXT:
            following = np.sort(random.choice(following, _NEXT, replace=False))
        at = torch.from_numpy(following)
        hidden, features = self._read(batch, torch.cat([position, at]))
        u = self.model.heads.embed(hidden, features)
        n = len(rows)
        total = self._of_labels(rows, hidden[:n], u[:n]).mean()
        return total + BESIDE * self._of_next(batch, at, u[n:], features[n:]) if len(following) else total

    def judged(self, rows: Ints) -> float:
        """The mean loss of some labels."""
        self.eval()
        total = 0.0
        with torch.no_grad():
            for some in np.array_split(rows[np.argsort(self.told.sequence[rows], kind="stable")], len(rows) // 512 + 1):
                hidden, features = self._read(*self._cut(some))
                total += float(self._of_labels(some, hidden, self.model.heads.embed(hidden, features)).sum())
        return total / len(rows)

    def _cut(self, rows: Ints) -> tuple[Batch, Tensor]:
        """The events of these labels' users up to the last of these labels, and where each label stands in them."""
        told, offsets = self.told, self.told.events.offsets.numpy()
        sequences, place = np.unique(told.sequence[rows], return_inverse=True)
        until = np.zeros(len(sequences), np.int64)
        np.maximum.at(until, place, told.position[rows] + 1)
        starts = offsets[sequences]
        index, cut = stretches(starts, until - starts)
        batch = select_events(told.events, torch.from_numpy(index), torch.from_numpy(cut))
        return batch, torch.from_numpy(told.position[rows] - starts[place] + cut[place])

    def _read(self, batch: Batch, position: Tensor) -> tuple[Tensor, Tensor]:
        """(M, H) the encoder's part of the states there, (M, F) features of the summaries."""
        model = self.model
        with torch.no_grad():
            facts = model.facts_at(batch, position)
            features = model.features(facts[:, : model.summary.size])
            rows = model.rows_at(batch)
        return model.hidden_at(batch, position, rows), features

    def _of_labels(self, rows: Ints, hidden: Tensor, u: Tensor) -> Tensor:
        """(M,) losses."""
        x = ((made_by(self.model, hidden, u) - self.mean) / self.spread).clamp(-WITHIN, WITHIN)
        z = self.rest[rows] + x @ self.weights + self.bias  # (M, K)
        if z.shape[1] > 1:
            return F.cross_entropy(z, self.kinds[rows], reduction="none")
        found = F.binary_cross_entropy_with_logits(z[:, 0], self.kinds[rows].float(), reduction="none")
        if not len(self.logs):
            return found
        mu = self.amount_rest[rows] + x @ self.amount_weights + self.amount_bias
        error = ((mu - self.logs[rows]) / self.told.noise).square() / 2
        return found + torch.where(self.kinds[rows] > 0, error, torch.zeros_like(error))

    def _of_next(self, batch: Batch, at: Tensor, u: Tensor, features: Tensor) -> Tensor:
        """The mean loss of the events after these, as `train` has it."""
        heads, known = self.model.heads, self.model.embedding.known
        gaps = torch.log1p((batch.times[at + 1] - batch.times[at]).double() / US_PER_SECOND).float()
        action = batch.categories[at + 1, 0].clamp(1, known + 1) - 1
        nothing = gaps[:0]
        outputs = Outputs(
            heads.next_logits(u, features), heads.time_logits(u, features), heads.gaps.bin_of(gaps), nothing, nothing
        )
        targets = Targets(at, action, gaps, at[:0], nothing.double(), nothing, at.numpy(), np.zeros(0, np.int64))
        next_action, time = losses(outputs, targets)
        return (next_action + TIME_WEIGHT * time) / len(at)


def _float(array: Floats) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float32))
