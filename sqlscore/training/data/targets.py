"""What a model is to predict at each event, beside the batch that it reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlscore.arrays import Ints
from sqlscore.scoring.batch import Batch
from sqlscore.training.data.encoding import Encoded, cut_batch
from sqlscore.training.data.windows import Windows


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
    churn_at: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (Q,) as `at`
    fresh: Tensor | None = None  # bool (N,) sequences that differ from the log's users; None: all may

    def to(self, device: torch.device) -> Targets:
        """These targets with their tensors on another device."""
        return replace(
            self,
            position=self.position.to(device),
            action=self.action.to(device),
            log_gap=self.log_gap.to(device),
            churn_position=self.churn_position.to(device),
            elapsed=self.elapsed.to(device),
            churned=self.churned.to(device),
            weight=None if self.weight is None else self.weight.to(device),
            fresh=None if self.fresh is None else self.fresh.to(device),
        )

    def weighing(self, weight: Tensor | None) -> Targets:
        """These targets, with weights (P,) in the next-action loss."""
        return replace(self, weight=weight)

    def without_actions(self) -> Targets:
        """The churn examples alone."""
        return self._kept(torch.zeros(len(self.position), dtype=torch.bool))

    def sampled(self, random: np.random.Generator, share: float) -> Targets:
        """A random share of the P targets, for vocabularies so large that all would cost too much."""
        if share >= 1:
            return self
        return self._kept(torch.from_numpy(random.random(len(self.position)) < share))

    def between(self, at: slice, start: int) -> Targets:
        """Some of these targets, without churn examples, for a batch that begins with event `start` of this one."""
        return Targets(
            position=self.position[at] - start,
            action=self.action[at],
            log_gap=self.log_gap[at],
            churn_position=self.churn_position[:0],
            elapsed=self.elapsed[:0],
            churned=self.churned[:0],
            at=self.at[at],
            example=self.example[:0],
            weight=None if self.weight is None else self.weight[at],
        )

    def _kept(self, kept: Tensor) -> Targets:
        return replace(
            self,
            position=self.position[kept],
            action=self.action[kept],
            log_gap=self.log_gap[kept],
            at=self.at[kept.numpy()],
            weight=None if self.weight is None else self.weight[kept],
        )


def cut(
    data: Encoded, windows: Windows, chosen: Ints, untimed: npt.NDArray[np.bool_] | None = None
) -> tuple[Batch, Targets]:
    """The batch of these windows and its targets; untimed ones have no time to predict, and no churn."""
    batch, index = cut_batch(data, windows.starts[chosen], windows.ends[chosen], untimed)
    position = np.flatnonzero(windows.wanted[index])
    at = index[position]
    places, which = np.zeros(0, np.int64), np.zeros(0, np.int64)
    elapsed, churned, churn_at = np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.int64)
    users = np.searchsorted(data.offsets, windows.starts[chosen], "right") - 1
    fresh = windows.starts[chosen] > data.offsets[users]
    if windows.churn is not None and len(windows.churn):
        offsets = batch.offsets.numpy()
        low = np.searchsorted(windows.churn.position, windows.starts[chosen], "left")
        high = np.searchsorted(windows.churn.position, windows.ends[chosen], "left")
        if untimed is not None:
            high = np.where(untimed, low, high)
        counts = high - low
        which = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        churn_at = windows.churn.position[which]
        places = churn_at + np.repeat(offsets[:-1] - windows.starts[chosen], counts)
        elapsed, churned = windows.churn.elapsed[which], windows.churn.churned[which].astype(np.float32)
    log_gap = data.log_gap[at]
    if untimed is not None:
        fresh = fresh | untimed
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
        churn_at=churn_at,
        fresh=torch.from_numpy(fresh),
    )
