"""What happens to a model between its first weights and the last: search, calibration, figures, the newest part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from sqlscore.progress import Progress
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.split import Periods
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Parts, Windows
from sqlscore.training.learning.calibration import calibrate_actions, calibrate_churn
from sqlscore.training.learning.checkpoints import Checkpoint
from sqlscore.training.learning.churn_head import finish_churn, refit_churn
from sqlscore.training.learning.counting import count_into
from sqlscore.training.learning.held_out import validated
from sqlscore.training.learning.loop import Epoch, best_of, optimise
from sqlscore.training.learning.refit import train_on
from sqlscore.training.learning.scaling import fit_scales
from sqlscore.training.options import TrainingOptions


@dataclass(frozen=True)
class Learned:
    """What a training has to tell beside its weights. until: µs, the newest target that was learned from."""

    until: int
    history: list[Epoch] = field(default_factory=list)
    churn: dict[str, float] = field(default_factory=dict)
    validation: dict[str, Any] | None = None
    refit_epochs: int = 0
    validation_loss: float | None = None  # mean of the next action's


def count(model: Any, data: Encoded, parts: Parts, periods: Periods, options: TrainingOptions) -> Learned:
    """A counted model: its tables, and no calibration."""
    count_into(model, data, parts.train)
    loss = _counted_loss(model, data, parts.validation)
    if options.refit:
        count_into(model, data, parts.both)
    return Learned(periods.t2 if options.refit else periods.t1, validation_loss=loss)


def learn(
    model: Any,
    data: Encoded,
    parts: Parts,
    periods: Periods,
    options: TrainingOptions,
    progress: Progress,
    on_epoch: Callable[[Epoch], None] | None,
    checkpoint: Checkpoint | None,
) -> Learned:
    """Train in place, on the device of the options; the model is back on the CPU at the end."""
    train, validation = parts.train, _learnable(data, parts)
    fit_scales(model, data, train, options.seed)
    start_unlearned_at_their_names(model, data, train)
    model.to(torch.device(options.device))
    history = optimise(model, data, train, validation, options, progress, on_epoch, checkpoint)
    churn = finish_churn(model, data, train, validation, options.seed) if periods.churn else {}
    calibrate_actions(model, data, validation, options.seed)
    if periods.churn:
        # held-out users are few and of the same days: on those days the trained ones say more of the base rate
        calibrate_churn(model, data, [train, validation] if periods.by_users else [validation], options.seed)
    found = validated(model, data, parts, options.seed)
    epochs = 0
    if options.refit:
        epochs = train_on(model, data, parts.both, best_of(history), options, progress, checkpoint)
        if periods.churn:
            refit_churn(model, data, parts.both, options.seed, churn)
    model.cpu().eval()
    loss = history[best_of(history) - 1].next_action if best_of(history) else None
    return Learned(periods.t2 if options.refit else periods.t1, history, churn, found, epochs, loss)


def _counted_loss(model: Any, data: Encoded, validation: Windows) -> float | None:
    losses = [torch.zeros(0)]
    for chosen in ordered_batches(validation.lengths, 8_192):
        batch, targets = cut(data, validation, chosen)
        known = targets.action < data.known
        with torch.inference_mode():
            states, _ = model.encode_each(*batch.tensors(), None, None)
            logits = model.next_logits(states[targets.position[known]])
            losses.append(functional.cross_entropy(logits, targets.action[known], reduction="none"))
    found = torch.cat(losses)
    return float(found.mean()) if len(found) else None


def start_unlearned_at_their_names(model: Any, data: Encoded, train: Windows) -> None:
    """Known actions that the first stage never meets start as the unknown ones that they are to it: n-grams alone."""
    met = np.zeros(data.known + 1, np.bool_)
    for start, end in zip(train.starts, train.ends, strict=True):
        codes = data.categories[start:end, 0]
        met[codes[codes <= data.known]] = True
    met[0] = True
    with torch.no_grad():
        model.events.action.weight[torch.from_numpy(~met)] = 0.0


def _learnable(data: Encoded, parts: Parts) -> Windows:
    """The validation part without targets that the first stage could not learn, which would drown what it could."""
    learned = np.zeros(data.known + 1, np.bool_)
    targets = data.target[parts.train.wanted]
    learned[targets[targets <= data.known]] = True
    known = data.target <= data.known
    kept = parts.validation.wanted & known
    kept[kept] = learned[data.target[kept]]
    return replace(parts.validation, wanted=kept | (parts.validation.wanted & ~known))
