"""What a trained model says of itself: its manifest, with notes on how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.scoring.manifest import Manifest
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Parts
from sqlscore.training.learning.counting import base_rates
from sqlscore.training.learning.loop import best_of
from sqlscore.training.learning.stages import Learned
from sqlscore.training.options import TrainingOptions

_UNTOLD = ("checkpoint", "loading_threads")  # they change no weight, and a path is nobody's business


def manifest_of(
    model: Any, config: ModelConfig, log: EventLog, periods: Periods, inputs: Inputs, learned: Learned,
    notes: dict[str, Any],
) -> Manifest:  # fmt: skip
    """The manifest, without metrics of the test part."""
    churn, architecture = periods.churn, ARCHITECTURES[config.architecture]
    return Manifest(
        architecture=config.architecture,
        config=asdict(config),
        inputs=inputs,
        heads=("next_action", "time_to_next", *(("churn",) if churn else ())),
        state_size=model.state_size,
        embedding_size=model.embedding_size if architecture.counted else config.width,
        fold=architecture.fold,
        max_events=architecture.max_events,
        horizon_seconds=churn.horizon / US_PER_SECOND if churn else None,
        lookback_seconds=churn.lookback / US_PER_SECOND if churn and churn.lookback is not None else None,
        trained_from=_iso(int(log.times.min())),
        trained_to=_iso(learned.until),
        notes=notes,
    )


def notes_of(
    model: Any, log: EventLog, data: Encoded, periods: Periods, parts: Parts, inputs: Inputs, learned: Learned,
    options: TrainingOptions,
) -> dict[str, Any]:  # fmt: skip
    """What was read, how it was cut, what was asked for, and how training went."""
    train, best = parts.train, best_of(learned.history)
    notes: dict[str, Any] = {
        "periods": periods.to_notes(),
        "sample": log.notes,
        "limits": {"max_events": options.max_events, "max_user_events": options.max_user_events},
        "options": {k: v for k, v in asdict(options).items() if v != float("inf") and k not in _UNTOLD},
        "training": {
            "events": train.events,
            "targets": train.targets,
            "churn_examples": 0 if train.churn is None else len(train.churn),
            "validation_targets": parts.validation.targets,
            "validated_on": "held-out users" if periods.by_users else "a later period",
            "epochs": len(learned.history),
            "best_epoch": best,
            "history": [asdict(epoch) for epoch in learned.history],
            "validation_log_loss": learned.validation_loss,
            "churn_log_loss": learned.churn,
            "refit_epochs": learned.refit_epochs,
            "until": learned.until,
            "users_shortened": int((parts.both.lengths == options.max_sequence).sum()),
        },
        "validation": learned.validation,
        "base_rates": base_rates(data, train),
    }
    if hasattr(model, "events") and hasattr(model.events, "neighbours"):
        notes["action_attention"] = [
            {"action": inputs.actions[to - 1], "from": inputs.actions[source - 1], "weight": round(weight, 4)}
            for to, source, weight in model.events.neighbours()
        ]
    return notes


def _iso(microseconds: int) -> str:
    return f"{np.datetime64(microseconds, 'us')}Z"
