"""The optimisation: one pass trains all heads, validation says when to stop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.progress import Progress
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.batches import EVENTS_PER_BATCH, events_per_batch
from sqlscore.training.learning.checkpoints import Checkpoint
from sqlscore.training.learning.losses import losses
from sqlscore.training.learning.objective import Objective
from sqlscore.training.learning.passes import outputs_over, prefix_share
from sqlscore.training.learning.steps import Steps, steps_of, warm_cosine
from sqlscore.training.options import TrainingOptions

_CELLS = 1.5e9  # targets x actions over the whole run; above it, the next-action loss is taken on a sample
_JUDGED_EVENTS, _JUDGED_CELLS = 150_000, 200_000_000
PREFIX_EVENTS = 200_000  # an epoch, over all prefixes that are read anew


@dataclass(frozen=True)
class Epoch:
    """Mean validation losses after an epoch; the churn loss is 0 without examples."""

    number: int
    train_loss: float
    next_action: float
    time: float
    churn: float

    @property
    def judged(self) -> float:
        """What early stopping watches. The churn head has a last step of its own, which stops by itself."""
        return self.next_action + 0.1 * self.time


def optimise(
    model: Any,
    data: Encoded,
    train: Windows,
    validation: Windows,
    options: TrainingOptions,
    progress: Progress,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[Epoch]:
    """Train in place and leave the best epoch's weights. Returns the epochs' losses; `on_epoch` is told of each.

    checkpoint: where every epoch is kept, and from where an earlier call goes on.
    """
    events = events_per_batch(train)
    judged_in = _judged_windows(validation, data.known, np.random.default_rng(options.seed))
    epochs = epochs_of(train, options)
    total = epochs * steps_of(train, events)
    kept_share = share_of(model, data, train, epochs)
    steps = Steps(model, data, train, options, events, lambda step: warm_cosine(step, total), options.seed, kept_share)
    history: list[Epoch] = []
    kept = copy.deepcopy(model.state_dict())
    if checkpoint is not None and (saved := checkpoint.load("search")) is not None:
        steps.restore(saved["steps"])
        history, kept = [Epoch(**epoch) for epoch in saved["history"]], saved["kept"]
    began = time.monotonic()
    progress.start("Training", total)
    progress.advance(len(history) * total / epochs)
    while len(history) < epochs and not _ended(history, options.patience):
        loss = steps.epoch(progress)
        history.append(Epoch(len(history) + 1, loss, *_judge(model, data, validation, judged_in, steps.objective)))
        if best_of(history) == history[-1].number:
            kept = copy.deepcopy(model.state_dict())
        if checkpoint is not None:
            told = [asdict(epoch) for epoch in history]
            checkpoint.save("search", {"steps": steps.state(), "history": told, "kept": kept})
        if on_epoch is not None:
            on_epoch(history[-1])
        if options.time_limit is not None and time.monotonic() - began > options.time_limit:
            break
    progress.finish()
    model.load_state_dict(kept)
    return history


def epochs_of(train: Windows, options: TrainingOptions) -> int:
    """The most epochs that are trained on this part."""
    return int(np.clip(options.event_updates // max(train.events, 1), min(2, options.max_epochs), options.max_epochs))


def share_of(model: Any, data: Encoded, train: Windows, epochs: int) -> float:
    """The share of targets that an epoch learns, so that neither many actions nor long prefixes cost too much."""
    cells = epochs * max(train.targets, 1) * data.known
    return min(1.0, _CELLS / cells, prefix_share(model, train, np.arange(len(train.starts)), PREFIX_EVENTS))


def best_of(history: list[Epoch]) -> int:
    """The number of the first epoch with the least loss; 0 where none has a finite one."""
    finite = [epoch for epoch in history if math.isfinite(epoch.judged)]
    return min(finite, key=lambda epoch: epoch.judged).number if finite else 0


def _ended(history: list[Epoch], patience: int) -> bool:
    return bool(history) and len(history) - best_of(history) >= patience


def _judged_windows(validation: Windows, actions: int, random: np.random.Generator) -> list[Ints]:
    """Batches of validation windows for early stopping: all, or as many at random as take about a second or two."""
    order = random.permutation(len(validation.starts))
    most = min(_JUDGED_EVENTS, _JUDGED_CELLS // actions)
    order = order[np.cumsum(validation.lengths[order]) - validation.lengths[order] < most]
    return [order[group] for group in ordered_batches(validation.lengths[order], EVENTS_PER_BATCH[1])]


def _judge(
    model: Any, data: Encoded, validation: Windows, batches: list[Ints], objective: Objective
) -> tuple[float, float, float]:
    """Mean losses by the weights of actions that training uses, whatever the age of the targets."""
    judged = replace(objective, recency=0.0)
    share = prefix_share(model, validation, np.concatenate(batches), PREFIX_EVENTS)
    sums, counts = np.zeros(3), np.zeros(3)
    for outputs, targets in outputs_over(model, data, validation, batches, share):
        known = targets.action < outputs.logits.shape[1]
        weight = judged.weights(data, targets.at, targets.action.cpu())
        total = float(known.sum() if weight is None else weight[known.cpu()].sum())
        weighed = targets.weighing(None if weight is None else weight.to(targets.action.device))
        sums += [float(part) for part in losses(outputs, weighed, judged.gamma)]
        counts += [total, len(targets.position), len(targets.churned)]
    action, gap, churn = (float(mean) for mean in sums / np.maximum(counts, 1e-9))
    return action, gap, churn
