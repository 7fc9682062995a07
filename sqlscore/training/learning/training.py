"""What the stages of one training share, and what it yields beside its weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.progress import Progress
from sqlscore.scoring.horizons import Horizon
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Parts, Windows
from sqlscore.training.learning.checkpoints import Checkpoint
from sqlscore.training.learning.following import NOTHING, Counting
from sqlscore.training.learning.losses import TIME_WEIGHT
from sqlscore.training.options import TrainingOptions


@dataclass(frozen=True)
class Epoch:
    """Mean losses of an epoch: of its steps, then of the validation part."""

    number: int
    train_loss: float
    next_action: float
    time: float

    @property
    def judged(self) -> float:
        """The loss that early stopping watches."""
        return self.next_action + TIME_WEIGHT * self.time


@dataclass(frozen=True)
class Training:
    """One training, as every stage gets it. The stages change the weights of `model` in place.

    Args:
        model: the module that learns, a `models.wholes` model.
        data: the log in the model's codes.
        parts: which windows train, validate, and report.
        periods: how the log was cut in time.
        options: what the training was asked for.
        progress: told of every step.
        on_epoch: called after every epoch of the search; an exception that it raises ends the training.
        checkpoint: keeps every epoch, so that the same call continues after a kill.
    """

    model: Any
    data: Encoded
    parts: Parts
    periods: Periods
    options: TrainingOptions
    progress: Progress
    on_epoch: Callable[[Epoch], None] | None = None
    checkpoint: Checkpoint | None = None

    @property
    def counts_only(self) -> bool:
        """Whether the model has nothing to learn by steps."""
        return ARCHITECTURES[self.options.architecture].counted


@dataclass(frozen=True)
class Learned:
    """What a training yields beside its weights.

    Args:
        until: µs of the newest target that was learned from.
        recency: how often the weights of targets halved from the newest to the oldest.
        counting: what is counted beside the network.
        decision: (V,) the weight of each action when the next one is chosen; None: all 1.
        history: the epochs of the search.
        churn: losses and choices of the churn head, see `finish_churn`; empty without one.
        horizons: of the churn head, shorter ones.
        validation: figures of the validation part, before the model learned from that too.
        refit_epochs: epochs of the last stage.
        validation_loss: mean log-loss of the next action on the validation part, counts mixed in.
    """

    until: int
    recency: float = 0.0
    counting: Counting = NOTHING
    decision: tuple[float, ...] | None = None
    history: list[Epoch] = field(default_factory=list)
    churn: dict[str, float] = field(default_factory=dict)
    horizons: tuple[Horizon, ...] = ()
    validation: dict[str, Any] | None = None
    refit_epochs: int = 0
    validation_loss: float | None = None


def best_of(history: list[Epoch]) -> int:
    """The number of the first epoch with the least loss; 0 if none has a finite one."""
    finite = [epoch for epoch in history if math.isfinite(epoch.judged)]
    return min(finite, key=lambda epoch: epoch.judged).number if finite else 0


def validating(training: Training) -> list[Windows]:
    """The later period, and users who came before it and whom the first stage does not learn from, if there are any."""
    others = None if training.periods.by_users else training.parts.held_out
    return [training.parts.validation] if others is None else [training.parts.validation, others]


def with_recency(training: Training, recency: float) -> Training:
    """The training with targets weighed so: see `TrainingOptions.recency`."""
    return replace(training, options=replace(training.options, recency=recency))
