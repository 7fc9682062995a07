"""What the churn head reads and answers at its examples, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.passes import device_of, states_at
from sqlscore.training.learning.scaling import standard

FOLDS = 5
_MAX_EXAMPLES = 30_000  # of a part; more of them change a hundred weights by little


@dataclass(frozen=True)
class ChurnInputs:
    """Q examples. No user is in two folds, so that the examples of a fold are new to what learned from the others."""

    hidden: Tensor  # (Q, H) the encoder's states
    recent: Tensor  # (Q, P + X) features with recency, standardised
    churned: Tensor  # (Q,) 0 or 1
    date: Tensor  # int64 (Q,) seconds since 1970 of as_of
    user: Tensor  # int64 (Q,)
    fold: Tensor  # int64 (Q,) from 0 to FOLDS - 1
    learns: Tensor  # bool (Q,) which may be learned; the others are judged alone

    def __len__(self) -> int:
        return len(self.churned)

    @property
    def one_kind(self) -> bool:
        """Whether all labels that may be learned are the same."""
        learned = self.churned[self.learns]
        return bool((learned == learned[:1]).all())

    @property
    def learns_by_fold(self) -> Tensor:
        """(Q, FOLDS) whether what learns without a fold may learn an example."""
        return (self.fold.unsqueeze(1) != torch.arange(FOLDS)) & self.learns.unsqueeze(1)

    def of_own_fold(self, each: Tensor) -> Tensor:
        """(Q, FOLDS) values by fold -> (Q,) that of the example's own fold."""
        return each.gather(1, self.fold.unsqueeze(1))[:, 0]


def inputs_of(
    model: Any, data: Encoded, learned: Windows, judged: Sequence[Windows], seed: int, *, scales: bool = False
) -> ChurnInputs:
    """The examples of these windows, or a sample of them.

    Args:
        model: the model, on its device.
        data: the log in its codes.
        learned: windows whose examples may be learned.
        judged: windows whose examples are judged alone.
        seed: of the sample and the folds.
        scales: set the scales of the features by the examples that may be learned, in place.
    """
    found = [_read(model, data, part.with_examples(_MAX_EXAMPLES, seed)) for part in (learned, *judged)]
    hidden, summary, elapsed, churned, user, date = (torch.cat(values) for values in zip(*found, strict=True))
    learns = torch.arange(len(churned)) < len(found[0][0])
    features = model.features
    home = device_of(model)
    features.cpu()
    if scales:
        raw = torch.cat([features.raw(summary[learns]), features.recency(summary[learns], elapsed[learns])], 1)
        standard(raw, features.churn_mean, features.churn_spread)
    recent = features.with_recency(summary, elapsed)
    features.to(home)
    folds = np.random.default_rng(seed).permutation(len(data.offsets) - 1) % FOLDS
    return ChurnInputs(hidden, recent, churned, date, user, torch.from_numpy(folds)[user], learns)


def _read(model: Any, data: Encoded, part: Windows) -> tuple[Tensor, ...]:
    """The encoder's states, summaries, elapsed seconds, labels, users and dates of a part's examples."""
    found: list[tuple[Tensor, ...]] = []
    model.eval()
    device = device_of(model)
    with torch.no_grad():
        for chosen in ordered_batches(part.lengths, 8_192):
            batch, targets = cut(data, part, chosen)
            batch, targets = batch.to(device), targets.without_actions().to(device)
            _, at = states_at(model, batch, targets, data.facts)
            state, elapsed = at.cpu(), targets.elapsed.cpu()
            assert part.churn is not None  # noqa: S101 - it is there if a window is
            position = part.churn.position[targets.example]
            user = np.searchsorted(data.offsets, position, "right") - 1
            date = np.rint(data.times[position] / US_PER_SECOND + elapsed.numpy()).astype(np.int64)
            own, summary = state[:, : model.size], state[:, model.size :]
            labels = targets.churned.cpu()
            found.append((own, summary, elapsed, labels, torch.from_numpy(user), torch.from_numpy(date)))
    if not found:
        nothing = torch.zeros(0)
        whole = torch.zeros(0, dtype=torch.int64)
        return nothing.view(0, model.size), nothing.view(0, model.summary.size), nothing.double(), nothing, whole, whole
    return tuple(torch.cat(values) for values in zip(*found, strict=True))
