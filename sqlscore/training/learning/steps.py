"""The steps of an epoch: cut a batch, one pass for all heads, one step of the optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sqlscore.arrays import Ints
from sqlscore.parallel import in_order
from sqlscore.training.data.encoding import ordered_batches
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.batches import STEPS_AT_LEAST, events_per_batch, shuffled
from sqlscore.training.learning.losses import TIME_WEIGHT, losses
from sqlscore.training.learning.objective import objective_of
from sqlscore.training.learning.optimiser import Optimiser
from sqlscore.training.learning.passes import device_of, prefix_share, run
from sqlscore.training.learning.reading import Reading, parted, read, together
from sqlscore.training.learning.training import Training

_UNTIMED = 0.05  # share of training sequences that are shown without times, as plain lists of actions are
_WARM_UP = 0.05
_CELLS = 1.5e9  # targets x actions over the whole run; above it, the next-action loss is taken on a sample
PREFIX_EVENTS = 200_000  # an epoch, over all prefixes that are read anew


class Steps:
    """The optimiser and the random numbers of a run of epochs over one part of the log.

    Args:
        training: the model and its data.
        part: the windows that are learned.
        epochs: how many are planned.
        rate: (step from 0, planned steps) -> what the learning rate is multiplied with.
        learning_rate: of a step whose rate is 1.
        seed: of the batches.
    """

    def __init__(
        self,
        training: Training,
        part: Windows,
        *,
        epochs: int,
        rate: Callable[[int, int], float],
        learning_rate: float,
        seed: int,
    ) -> None:
        self.model, self.data, self.part = training.model, training.data, part
        self.options, self.progress = training.options, training.progress
        self.events = events_per_batch(part)
        self.total = epochs * _steps_of(part, self.events)
        self.kept_share = _kept_share(training, part, epochs)
        self.random = np.random.default_rng(seed)
        self.objective = objective_of(self.data, part, self.options)
        self.device = device_of(self.model)
        self.mixed = mixed_precision(self.model, self.device)
        self.optimiser = Optimiser(
            self.model, self.options.weight_decay, learning_rate, lambda step: rate(step, self.total)
        )

    def epoch(self) -> float:
        """Pass over the part once and return the mean loss of its steps."""
        self.model.train()
        batches = shuffled(self.part, self.events, self.random)
        passes = sum(map(len, batches)) / len(self.part.starts)
        per_batch = max(self.part.targets * passes / len(batches), 1.0) * self.kept_share
        groups = together(batches, self.part.lengths)
        jobs = list(zip(groups, self.random.integers(2**63, size=len(groups)), strict=True))
        total = torch.zeros((), device=self.device)
        for readings in in_order(self._read, jobs, self.options.loading_threads, ahead=1):
            for reading in readings:
                with self.mixed:
                    outputs = run(self.model, reading)
                    action, gap = losses(outputs, reading.targets, self.objective.gamma, self.objective.shift)
                loss: Tensor = (action + TIME_WEIGHT * gap) / per_batch
                self.optimiser.step(loss)
                total += loss.detach()
                self.progress.advance(1)
        return float(total) / len(batches)

    def _read(self, job: tuple[list[Ints], int]) -> list[Reading]:
        """Several batches. Seeded by the job, so that it does not matter which thread reads when."""
        groups, random = job[0], np.random.default_rng(job[1])
        chosen = np.concatenate(groups)
        batch, targets = cut(self.data, self.part, chosen, random.random(len(chosen)) < _UNTIMED)
        targets = targets.sampled(random, self.kept_share)
        targets = targets.weighing(self.objective.weights(self.data, targets.at, targets.action))
        reading = read(self.model, batch.to(self.device), targets.to(self.device), churn=False, known=self.data.facts)
        return parted(reading, np.array([len(group) for group in groups]))

    def state(self) -> dict[str, Any]:
        """All that determines the next epoch, as plain values and tensors."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state(),
            "random": self.random.bit_generator.state,
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimiser.restore(state["optimiser"])
        self.random.bit_generator.state = state["random"]
        torch.set_rng_state(state["torch"])
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self.device)


def _steps_of(part: Windows, events: int) -> int:
    """About how many steps an epoch has."""
    return max(len(ordered_batches(part.lengths, events)), STEPS_AT_LEAST)


def _kept_share(training: Training, part: Windows, epochs: int) -> float:
    """The share of targets that an epoch learns, so that neither many actions nor long prefixes cost too much."""
    cells = epochs * max(part.targets, 1) * training.data.known
    whole = np.arange(len(part.starts))
    return min(1.0, _CELLS / cells, prefix_share(training.model, part, whole, PREFIX_EVENTS))


def warm_cosine(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to a twentieth (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5)."""
    warm = max(1.0, _WARM_UP * steps)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.475 * (1 + float(np.cos(np.pi * (step - warm) / max(steps - warm, 1))))


def mixed_precision(model: nn.Module, device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU, which multiplies it fast; its range needs no scaling of gradients. No change on the CPU.

    cuDNN's recurrent layers are excluded: under autocast they compute in float16, whose range does need it.
    """
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" and not recurrent)
