"""What a trained model says of itself: its manifest, with notes on how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.inputs.action_graph import GraphEmbedding
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import capabilities_of
from sqlscore.scoring.notes import Limits, TrainingNotes, TrainingRun
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.learning.following import base_rates
from sqlscore.training.learning.training import Learned, Training, best_of

_NOT_NOTED = ("checkpoint", "loading_threads")  # they change no weight, and a path is nobody's business


def manifest_of(
    training: Training, log: EventLog, inputs: Inputs, config: ModelConfig, learned: Learned, notes: TrainingNotes
) -> Manifest:
    """The manifest of a trained model, without metrics of the test part.

    Args:
        training: the training, at its end.
        log: the events that it read.
        inputs: what the model reads of them.
        config: the sizes of the model.
        learned: what the training yielded.
        notes: see `notes_of`.
    """
    model, churn, architecture = training.model, training.periods.churn, ARCHITECTURES[config.architecture]
    return Manifest(
        architecture=config.architecture,
        config=asdict(config),
        inputs=inputs,
        heads=("next_action", "time_to_next", *(("churn",) if churn else ())),
        capabilities=capabilities_of(model),
        state_size=model.state_size,
        embedding_size=model.embedding_size if architecture.counted else config.width,
        fold=architecture.fold,
        max_events=architecture.max_events,
        horizon_seconds=churn.horizon / US_PER_SECOND if churn else None,
        lookback_seconds=churn.lookback / US_PER_SECOND if churn and churn.lookback is not None else None,
        trained_from=_iso(int(log.times.min())),
        trained_to=_iso(learned.until),
        horizons=learned.horizons,
        decision_weights=learned.decision,
        notes=notes.to_json(),
    )


def notes_of(training: Training, log: EventLog, inputs: Inputs, learned: Learned) -> TrainingNotes:
    """What was read, how it was cut, what was asked for, and how training went.

    Args:
        training: the training, at its end.
        log: the events that it read.
        inputs: what the model reads of them.
        learned: what the training yielded.
    """
    parts, periods, options = training.parts, training.periods, training.options
    train, churn = parts.train, None if parts.churn is None else parts.churn.train.churn
    return TrainingNotes(
        periods=periods.to_notes(),
        sample=log.sample,
        limits=Limits(options.max_events, options.max_user_events),
        options={k: v for k, v in asdict(options).items() if v != float("inf") and k not in _NOT_NOTED},
        training=TrainingRun(
            events=train.events,
            targets=train.targets,
            churn_examples=0 if churn is None else len(churn),
            validation_targets=parts.validation.targets,
            validated_on="held-out users" if periods.by_users else "a later period",
            epochs=len(learned.history),
            best_epoch=best_of(learned.history),
            history=[asdict(epoch) for epoch in learned.history],
            validation_log_loss=learned.validation_loss,
            churn_log_loss=learned.churn,
            refit_epochs=learned.refit_epochs,
            until=learned.until,
            recency=learned.recency,
            counting=asdict(learned.counting),
            users_shortened=int((parts.both.lengths == options.max_sequence).sum()),
        ),
        validation=learned.validation,
        base_rates=base_rates(training.data, train, churn),
        action_attention=_action_attention(training.model, inputs),
    )


def _action_attention(model: Any, inputs: Inputs) -> list[dict[str, Any]] | None:
    if not (isinstance(model, SequenceModel) and isinstance(model.embedding, GraphEmbedding)):
        return None
    return [
        {"action": inputs.actions[to - 1], "from": inputs.actions[source - 1], "weight": round(weight, 4)}
        for to, source, weight in model.embedding.neighbours()
    ]


def _iso(microseconds: int) -> str:
    return f"{np.datetime64(microseconds, 'us')}Z"
