"""The optimisation: one pass trains all heads, validation says when to stop."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.sequences import Ints
from sqlscore.training.encoding import Encoded, ordered_batches
from sqlscore.training.losses import cut, losses, outputs_over, run
from sqlscore.training.options import Progress, TrainingOptions
from sqlscore.training.windows import Windows

_EVENTS_PER_BATCH = (512, 8_192)
_STEPS_PER_EPOCH = 60
_STEPS_AT_LEAST = 20
_CELLS = 1.5e9  # targets x actions over the whole run; above it, the next-action loss is taken on a sample
_JUDGED_EVENTS, _JUDGED_CELLS = 150_000, 200_000_000
_TIME_WEIGHT = 0.3
_CHURN_WEIGHT = 0.2  # it shapes the encoder only: see churn_head
_PREFIX_EVENTS = 200_000  # an epoch, over all prefixes that are read anew
_UNTIMED = 0.05  # share of training sequences that are shown without times, as plain lists of actions are
_WARM_UP = 0.05


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
) -> list[Epoch]:
    """Train in place and leave the best epoch's weights. Returns the epochs' losses; `on_epoch` is told of each."""
    events = _events_per_batch(train)
    random = np.random.default_rng(options.seed)
    judged_in = _judged_windows(validation, data.known, random)
    epochs = int(np.clip(options.event_updates // max(train.events, 1), 2, options.max_epochs))
    kept_share = min(1.0, _CELLS / (epochs * max(train.targets, 1) * data.known), _prefix_share(model, train))
    optimiser = torch.optim.AdamW(_groups(model, options.weight_decay), lr=options.learning_rate, fused=True)
    steps = epochs * max(len(ordered_batches(train.lengths, events)), _STEPS_AT_LEAST)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    began = time.monotonic()
    best, kept = float("inf"), copy.deepcopy(model.state_dict())
    history: list[Epoch] = []
    progress.start("Training", steps)
    for number in range(1, epochs + 1):
        batches = _shuffled(train, events, random)
        loss = _epoch(model, data, train, batches, optimiser, schedule, random, kept_share, progress)
        history.append(Epoch(number, loss, *_judge(model, data, validation, judged_in)))
        if on_epoch is not None:
            on_epoch(history[-1])
        if history[-1].judged < best:
            best, kept = history[-1].judged, copy.deepcopy(model.state_dict())
        since_best = number - 1 - int(np.argmin([epoch.judged for epoch in history]))
        late = options.time_limit is not None and time.monotonic() - began > options.time_limit
        if since_best >= options.patience or late:
            break
    progress.finish()
    model.load_state_dict(kept)
    return history


def _events_per_batch(train: Windows) -> int:
    """Small data get small batches, so that an epoch has enough steps; below a floor they only cost time."""
    floor, ceiling = _EVENTS_PER_BATCH
    return max(32, min(int(np.clip(train.events // _STEPS_PER_EPOCH, floor, ceiling)), train.events // _STEPS_AT_LEAST))


def _prefix_share(model: Any, train: Windows) -> float:
    """The share of targets that are learned in an epoch, where the model reads the prefix of each anew."""
    if not hasattr(model, "encode_at"):
        return 1.0
    inside = np.minimum(train.lengths, model.window)  # prefixes up to 1, 2, .. and then all of `window` events
    events = inside * (inside + 1) // 2 + (train.lengths - inside) * model.window
    return min(1.0, _PREFIX_EVENTS / max(int(events.sum()), 1))


def _judged_windows(validation: Windows, actions: int, random: np.random.Generator) -> list[Ints]:
    """Batches of validation windows for early stopping: all, or as many at random as take about a second or two."""
    order = random.permutation(len(validation.starts))
    most = min(_JUDGED_EVENTS, _JUDGED_CELLS // actions)
    order = order[np.cumsum(validation.lengths[order]) - validation.lengths[order] < most]
    return [order[group] for group in ordered_batches(validation.lengths[order], _EVENTS_PER_BATCH[1])]


def _epoch(
    model: Any,
    data: Encoded,
    train: Windows,
    batches: list[Ints],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    random: np.random.Generator,
    kept_share: float,
    progress: Progress,
) -> float:
    model.train()
    passes = sum(map(len, batches)) / len(train.starts)
    per_batch = max(train.targets * passes / len(batches), 1.0)
    churn_per_batch = max((0 if train.churn is None else len(train.churn)) * passes / len(batches), 1.0)
    total = 0.0
    for chosen in batches:
        batch, targets = cut(data, train, chosen, random.random(len(chosen)) < _UNTIMED)
        targets = targets.sampled(random, kept_share)
        action, gap, churn = losses(run(model, batch, targets), targets)
        loss: Tensor = (action + _TIME_WEIGHT * gap) / (
            per_batch * kept_share
        ) + _CHURN_WEIGHT * churn / churn_per_batch
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        progress.advance(1)
    return total / len(batches)


def _shuffled(train: Windows, events: int, random: np.random.Generator) -> list[Ints]:
    """Batches of similar lengths, composed anew and in a new order each epoch; tiny data are passed several times."""
    found: list[Ints] = []
    while len(found) < _STEPS_AT_LEAST:
        found += _once(train, events, random)
    return found


def _once(train: Windows, events: int, random: np.random.Generator) -> list[Ints]:
    mixed = random.permutation(len(train.starts))
    noisy = train.lengths[mixed] * random.uniform(0.8, 1.25, len(mixed))
    by_length = mixed[np.argsort(noisy, kind="stable")]
    lengths = train.lengths[by_length]
    group = (np.cumsum(lengths) - lengths) // events
    parts = np.split(by_length, np.flatnonzero(np.diff(group)) + 1)
    return [parts[i] for i in random.permutation(len(parts))]


def _judge(model: Any, data: Encoded, validation: Windows, batches: list[Ints]) -> tuple[float, float, float]:
    sums, counts = np.zeros(3), np.zeros(3)
    for outputs, targets in outputs_over(model, data, validation, batches):
        sums += [float(part) for part in losses(outputs, targets)]
        known = int((targets.action < outputs.logits.shape[1]).sum())
        counts += [known, len(targets.position), len(targets.churned)]
    action, gap, churn = (float(mean) for mean in sums / np.maximum(counts, 1))
    return action, gap, churn


def _groups(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weights of linear and recurrent layers decay; embeddings, biases and gains do not."""
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    for name, parameter in model.named_parameters():
        plain = parameter.dim() < 2 or name.startswith("events.")
        (free if plain else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to a twentieth (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5)."""
    warm = max(1.0, _WARM_UP * steps)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.475 * (1 + float(np.cos(np.pi * (step - warm) / max(steps - warm, 1))))
