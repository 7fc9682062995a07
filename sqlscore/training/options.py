"""What a training run is asked for, how it tells of its progress, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlscore.scoring.manifest import Manifest


@dataclass(frozen=True)
class TrainingOptions:
    """How to train. Every default is chosen from the data or holds for all data; what was chosen is reported.

    horizon, lookback: seconds of the churn label; None chooses. A lookback of math.inf: everyone ever seen.
    max_events: above it, users are sampled by a hash of their id.
    max_user_events: of a longer user, only the newest are read.
    max_sequence: events of one user that one training pass reads; evaluation and scoring read all.
    refit: at the end, train on with the validation part too; without it the newest events are left to validation.
    recency: how many times a target's weight halves from the newest one that is trained on back to the oldest.
    class_weight: "balanced" weighs rare actions more, focal_gamma (2 is usual) what is hard to predict: more rare
    actions are found, and the probabilities of frequent ones are less true; calibration is fitted after either.
    device: where to train, "cpu" or "cuda". loading_threads: how many cut batches while the model learns.
    checkpoint: a file in which every epoch is kept: after a kill, the same call goes on and ends with the same model.
    attention: how attention_rnn pools: "global", "self" or "multi_head".
    time_limit: seconds after which no further epoch is begun; with it a result depends on the machine's speed.
    """

    architecture: str = "gru"
    horizon: float | None = None
    lookback: float | None = None
    churn: bool = True
    seed: int = 0
    max_epochs: int = 30
    patience: int = 4
    event_updates: int = 2_000_000  # epochs x training events, at most about this
    time_limit: float | None = None
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    embedding: int = 32
    hidden: int = 64
    width: int = 64
    dropout: float = 0.1
    attention: str = "multi_head"
    max_events: int = 1_000_000
    max_user_events: int = 20_000
    max_sequence: int = 1_024
    max_actions: int = 20_000
    max_categories: int = 5_000
    threads: int = 1
    refit: bool = True
    recency: float = 0.0
    class_weight: str = "none"
    focal_gamma: float = 0.0
    device: str = "cpu"
    loading_threads: int = 1
    checkpoint: str | None = None


@dataclass(frozen=True)
class TrainedModel:
    """The artifact's bytes, its manifest (with `metrics` of the test split), and the run's report.

    report: "epochs" (a list of validation losses), "seconds" ("training" and "all"), "parameters".
    """

    artifact: bytes
    manifest: Manifest
    report: dict[str, Any]
