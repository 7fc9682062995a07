"""What a training run is asked for, how it tells of its progress, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlscore.scoring.manifest import Manifest


@dataclass(frozen=True)
class TrainingOptions:
    """How to train. Every default is chosen from the data or holds for all data; what was chosen is reported.

    Args:
        architecture: the name of what is trained.
        horizon: seconds that the churn label looks ahead; None chooses.
        horizons: seconds of shorter horizons that the churn head answers for too; `horizon` is the longest then.
        lookback: seconds within which a user must have been seen to count for churn; None chooses, math.inf: ever.
        churn: whether to train a churn head, if the events support one.
        seed: the same seed and data give the same model.
        max_epochs: the most epochs.
        patience: epochs without a better validation loss after which training stops.
        event_updates: the most epochs x training events, about.
        time_limit: seconds after which no further epoch begins; with it, a result depends on the machine's speed.
        learning_rate: at its highest.
        weight_decay: of linear and recurrent layers.
        embedding: the size of the embedding of an action.
        hidden: the size of the encoder.
        width: the size of the layer before the heads.
        dropout: the share that is dropped.
        attention: how attention_rnn pools: "global", "self" or "multi_head".
        max_events: above it, users are sampled by a hash of their id.
        max_user_events: of a user with more events, only the newest are read.
        max_sequence: events of one user that one training pass reads; evaluation and scoring read all.
        max_actions: the most actions that are told apart.
        max_categories: the most values of a categorical feature that are told apart.
        threads: of torch.
        refit: at the end, train on with the validation part too; otherwise the newest events only validate.
        through_now: after the model was judged, train on with the test part too, so that it knows the newest events;
            the figures are those of the model before that. Not without `refit`.
        recency: how many times a target's weight halves from the newest one that is trained on back to the oldest, by
            the rank of their times; None chooses: 0, or 8 if what follows what changes and validation prefers it.
        weight_from: "interventions" leaves out churn labels of treated users, and counts those of users who were held
            out by chance for both: the risk is that of users about whom nothing is done. None: all count once.
        class_weight: "balanced" weighs rare actions more, when the model learns and when it names the next action: more
            of them are found. The probabilities are corrected for the weights, and calibrated as others are.
        focal_gamma: above 0 (2 is usual), what is hard to predict weighs more; probabilities of what is likely are less
            true then. Calibration is fitted afterwards.
        device: where to train, "cpu" or "cuda".
        loading_threads: how many threads cut batches while the model learns.
        checkpoint: a file that keeps every epoch: after a kill, the same call continues and ends with the same model.
    """

    architecture: str = "gru"
    horizon: float | None = None
    horizons: tuple[float, ...] = ()
    lookback: float | None = None
    churn: bool = True
    seed: int = 0
    max_epochs: int = 30
    patience: int = 4
    event_updates: int = 2_000_000
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
    through_now: bool = True
    recency: float | None = None
    weight_from: str | None = None
    class_weight: str = "none"
    focal_gamma: float = 0.0
    device: str = "cpu"
    loading_threads: int = 1
    checkpoint: str | None = None


@dataclass(frozen=True)
class TrainedModel:
    """The artifact's bytes, its manifest (with `metrics` of the test split), and the run's report.

    Args:
        artifact: the bytes of the model file.
        manifest: what the model says of itself.
        report: "epochs" (a list of validation losses), "seconds" ("training" and "all"), "parameters".
    """

    artifact: bytes
    manifest: Manifest
    report: dict[str, Any]
