"""What one pass over a batch yields: the three heads' losses, or their raw outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.batch import Batch
from sqlscore.sequences import Ints
from sqlscore.training.encoding import Encoded, cut_batch
from sqlscore.training.windows import Windows


@dataclass(frozen=True)
class Targets:
    """Where in a batch of T events something is to be predicted, and what happened."""

    position: Tensor  # int64 (P,)
    action: Tensor  # int64 (P,) 0-based; V where never seen in training
    log_gap: Tensor  # (P,)
    churn_position: Tensor  # int64 (Q,)
    elapsed: Tensor  # float64 (Q,)
    churned: Tensor  # (Q,)
    at: Ints  # (P,) the log's index of each position
    example: Ints  # (Q,) which of the windows' churn examples
    weight: Tensor | None = None  # (P,) of the next-action loss; None: all 1

    def to(self, device: torch.device) -> Targets:
        """The same with its tensors on another device."""
        return replace(
            self,
            position=self.position.to(device),
            action=self.action.to(device),
            log_gap=self.log_gap.to(device),
            churn_position=self.churn_position.to(device),
            elapsed=self.elapsed.to(device),
            churned=self.churned.to(device),
            weight=None if self.weight is None else self.weight.to(device),
        )

    def weighing(self, weight: Tensor | None) -> Targets:
        """The same, with these weights (P,) in the next-action loss."""
        return replace(self, weight=weight)

    def without_actions(self) -> Targets:
        """The churn examples alone."""
        return self._kept(torch.zeros(len(self.position), dtype=torch.bool))

    def sampled(self, random: np.random.Generator, share: float) -> Targets:
        """The same with a share of the P targets, for vocabularies so large that all would cost too much."""
        if share >= 1:
            return self
        return self._kept(torch.from_numpy(random.random(len(self.position)) < share))

    def _kept(self, kept: Tensor) -> Targets:
        return replace(
            self,
            position=self.position[kept],
            action=self.action[kept],
            log_gap=self.log_gap[kept],
            at=self.at[kept.numpy()],
            weight=None if self.weight is None else self.weight[kept],
        )


@dataclass(frozen=True)
class Outputs:
    """The heads' raw outputs at the targets; z is the churn logit before calibration."""

    logits: Tensor  # (P, V)
    log_seconds: Tensor  # (P,)
    z: Tensor  # (Q,)


def cut(
    data: Encoded, windows: Windows, chosen: Ints, untimed: npt.NDArray[np.bool_] | None = None
) -> tuple[Batch, Targets]:
    """The batch of these windows and its targets; untimed ones have no time to predict, and no churn."""
    batch, index = cut_batch(data, windows.starts[chosen], windows.ends[chosen], untimed)
    position = np.flatnonzero(windows.wanted[index])
    at = index[position]
    places, which = np.zeros(0, np.int64), np.zeros(0, np.int64)
    elapsed, churned = np.zeros(0), np.zeros(0, np.float32)
    if windows.churn is not None and len(windows.churn):
        offsets = batch.offsets.numpy()
        low = np.searchsorted(windows.churn.position, windows.starts[chosen], "left")
        high = np.searchsorted(windows.churn.position, windows.ends[chosen], "left")
        if untimed is not None:
            high = np.where(untimed, low, high)
        counts = high - low
        which = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        places = windows.churn.position[which] + np.repeat(offsets[:-1] - windows.starts[chosen], counts)
        elapsed, churned = windows.churn.elapsed[which], windows.churn.churned[which].astype(np.float32)
    log_gap = data.log_gap[at]
    if untimed is not None:
        log_gap = np.where(np.repeat(untimed, windows.lengths[chosen])[position], np.float32("nan"), log_gap)
    action = np.minimum(data.target[at], data.known + 1).astype(np.int64) - 1
    return batch, Targets(
        position=torch.from_numpy(position),
        action=torch.from_numpy(action),
        log_gap=torch.from_numpy(log_gap),
        churn_position=torch.from_numpy(places),
        elapsed=torch.from_numpy(elapsed),
        churned=torch.from_numpy(churned),
        at=at,
        example=which,
    )


def run(model: Any, batch: Batch, targets: Targets) -> Outputs:
    """One causal pass of a `SequenceModel`, read at the targets."""
    at, churn = states_at(model, batch, targets)
    hidden, features = at[:, : model.size], model.features(at[:, model.size :])
    u = model.heads.embed(hidden, features)
    recent = model.features.with_recency(churn[:, model.size :], targets.elapsed)
    return Outputs(
        model.heads.next_logits(u, features),
        model.heads.log_seconds_to_next(u, features),
        model.heads.churn_logit(churn[:, : model.size], recent),
    )


def states_at(model: Any, batch: Batch, targets: Targets) -> tuple[Tensor, Tensor]:
    """-> (P, S) at the targets and (Q, S) at the churn examples; some models read each of these prefixes anew."""
    if hasattr(model, "encode_at"):
        at, _ = model.encode_at(*batch.tensors(), targets.position)
        return at, model.encode_at(*batch.tensors(), targets.churn_position)[0]
    states, _ = model.encode_each(*batch.tensors(), None, None)  # (T, S)
    return states[targets.position], states[targets.churn_position]


def losses(outputs: Outputs, targets: Targets, gamma: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over the batch: cross-entropy of known next actions; |error| of log(1 + seconds), whose minimum is the
    median; and the churn label's binary cross-entropy.

    gamma: (1 - p)^gamma multiplies the first, so that what is already sure counts less (focal loss, Lin et al. 2017,
    arXiv 1708.02002, eq. 4).
    """
    known = targets.action < outputs.logits.shape[1]
    timed = ~torch.isnan(targets.log_gap)
    action = F.cross_entropy(outputs.logits[known], targets.action[known], reduction="none")  # (P,)
    if gamma:
        action = action * (1.0 - torch.exp(-action)).clamp(min=1e-6) ** gamma
    if targets.weight is not None:
        action = action * targets.weight[known]
    return (
        action.sum(),
        (outputs.log_seconds[timed] - targets.log_gap[timed]).abs().sum(),
        F.binary_cross_entropy_with_logits(outputs.z, targets.churned, reduction="sum"),
    )


def outputs_over(
    model: Any, data: Encoded, windows: Windows, batches: list[Ints], share: float = 1.0
) -> Iterator[tuple[Outputs, Targets]]:
    """Scoring mode, batch by batch, on the model's device; a share of the targets, always the same ones."""
    model.eval()
    device, random = device_of(model), np.random.default_rng(0)
    with torch.inference_mode():
        for chosen in batches:
            batch, targets = cut(data, windows, chosen)
            targets = targets.sampled(random, share)
            batch, targets = batch.to(device), targets.to(device)
            yield run(model, batch, targets), targets


def device_of(model: Any) -> torch.device:
    """Where a model's parameters are; the CPU for one without."""
    first: Tensor | None = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def prefix_share(model: Any, windows: Windows, chosen: Ints, events: int) -> float:
    """The share of targets whose prefixes hold about `events` events, where the model reads the prefix of each anew.

    1 for other models, for which one pass over a window serves all its targets.
    """
    if not hasattr(model, "encode_at"):
        return 1.0
    lengths = windows.lengths[chosen]
    inside = np.minimum(lengths, model.window)  # prefixes up to 1, 2, .. and then all of `window` events
    read = inside * (inside + 1) // 2 + (lengths - inside) * model.window
    return min(1.0, events / max(int(read.sum()), 1))
