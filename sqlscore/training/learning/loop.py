"""The optimisation: one pass trains all heads, validation says when to stop."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.batches import EVENTS_PER_BATCH
from sqlscore.training.learning.losses import losses as losses_of
from sqlscore.training.learning.mixture import evenly
from sqlscore.training.learning.objective import Objective
from sqlscore.training.learning.passes import outputs_of, prefix_share, readings_of
from sqlscore.training.learning.reading import Reading
from sqlscore.training.learning.steps import PREFIX_EVENTS, Steps, warm_cosine
from sqlscore.training.learning.training import Epoch, Training, best_of, validating
from sqlscore.training.options import TrainingOptions

_JUDGED_EVENTS, _JUDGED_CELLS = 150_000, 200_000_000


def optimise(training: Training, stage: str = "search") -> list[Epoch]:
    """Train in place until validation no longer improves, and leave the best epoch's weights.

    Args:
        training: The model and its data.
        stage: By which the checkpoint tells it from others.

    Returns the epochs.
    """
    model, options, checkpoint = training.model, training.options, training.checkpoint
    train = training.parts.train
    readings = [_readings(training, part) for part in validating(training)]
    epochs = epochs_of(train, options)
    steps = Steps(
        training, train, epochs=epochs, rate=warm_cosine, learning_rate=options.learning_rate, seed=options.seed
    )
    history: list[Epoch] = []
    kept = copy.deepcopy(model.state_dict())
    if checkpoint is not None and (saved := checkpoint.load(stage)) is not None:
        steps.restore(saved["steps"])
        history, kept = [Epoch(**epoch) for epoch in saved["history"]], saved["kept"]
    began = time.monotonic()
    training.progress.start("Training", steps.total)
    training.progress.advance(len(history) * steps.total / epochs)
    while len(history) < epochs and not _ended(history, options.patience):
        loss = steps.epoch()
        losses = _judge(model, training.data, readings, steps.objective)
        history.append(Epoch(len(history) + 1, loss, *losses))
        if best_of(history) == history[-1].number:
            kept = copy.deepcopy(model.state_dict())
        if checkpoint is not None:
            epochs_so_far = [asdict(epoch) for epoch in history]
            checkpoint.save(stage, {"steps": steps.state(), "history": epochs_so_far, "kept": kept})
        if training.on_epoch is not None:
            training.on_epoch(history[-1])
        if options.time_limit is not None and time.monotonic() - began > options.time_limit:
            break
    training.progress.finish()
    model.load_state_dict(kept)
    return history


def epochs_of(train: Windows, options: TrainingOptions) -> int:
    """The most epochs that are trained on this part."""
    return int(np.clip(options.event_updates // max(train.events, 1), min(2, options.max_epochs), options.max_epochs))


def _ended(history: list[Epoch], patience: int) -> bool:
    return bool(history) and len(history) - best_of(history) >= patience


def _judged_windows(validation: Windows, actions: int, random: np.random.Generator) -> list[Ints]:
    """Batches of validation windows for early stopping: all, or as many at random as take about a second or two."""
    order = random.permutation(len(validation.starts))
    most = min(_JUDGED_EVENTS, _JUDGED_CELLS // actions)
    order = order[np.cumsum(validation.lengths[order]) - validation.lengths[order] < most]
    return [order[group] for group in ordered_batches(validation.lengths[order], EVENTS_PER_BATCH[1])]


def _readings(training: Training, part: Windows) -> list[Reading]:
    """What early stopping judges of a part, read once for all epochs: at most `_JUDGED_EVENTS` events."""
    model = training.model.eval()
    batches = _judged_windows(part, training.data.known, np.random.default_rng(training.options.seed))
    if not batches:
        return []
    share = prefix_share(model, part, np.concatenate(batches), PREFIX_EVENTS)
    return list(readings_of(model, training.data, part, batches, share=share, churn=False))


def _judge(model: Any, data: Encoded, parts: list[list[Reading]], objective: Objective) -> tuple[float, float]:
    """Mean losses of next action and time over the parts that validate, see `evenly`.

    Actions weigh as in training; the age of targets does not count.
    """
    sizes = [sum(len(reading.targets.position) for reading in part) for part in parts]
    weights = evenly(sizes[0], sum(sizes[1:]))
    of_others = float(weights[sizes[0] :].sum()) / max(len(weights), 1)
    found = (1 - of_others) * _mean_losses(model, data, parts[0], objective)
    for part in parts[1:]:
        found = found + of_others * _mean_losses(model, data, part, objective)
    action, gap = found.tolist()
    return action, gap


def _mean_losses(model: Any, data: Encoded, readings: list[Reading], objective: Objective) -> Floats:
    """(2,): of next action and time."""
    judged = replace(objective, recency=0.0)
    sums, counts = np.zeros(2), np.zeros(2)
    for outputs, targets in outputs_of(model, readings):
        known = targets.action < outputs.logits.shape[1]
        weight = judged.weights(data, targets.at, targets.action.cpu())
        total = float(known.sum() if weight is None else weight[known.cpu()].sum())
        weighed = targets.weighing(None if weight is None else weight.to(targets.action.device))
        sums += [float(part) for part in losses_of(outputs, weighed, judged.gamma, judged.shift)]
        counts += [total, len(targets.position)]
    return np.asarray(sums / np.maximum(counts, 1e-9))
