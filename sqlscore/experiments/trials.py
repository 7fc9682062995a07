"""What a search may choose among, and what one trial is worth: trained on the training part, judged on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import numpy as np
from sklearn.metrics import roc_auc_score

from sqlscore.errors import TrainingError
from sqlscore.events import mapping as mapped_events
from sqlscore.models.loading import load
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.manifest import sha256_of
from sqlscore.training.checking import KINDS_OF_ATTENTION, LEARNED
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import parts_of
from sqlscore.training.evaluation import metrics
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.evaluation.predicted import predict
from sqlscore.training.fit import fit_log, split
from sqlscore.training.learning.training import Epoch
from sqlscore.training.options import TrainedModel, TrainingOptions

_WHOLE = 2**40  # events of a user that are read: all


@dataclass(frozen=True)
class Among:
    """One of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Between:
    """A number from low to high; with `log`, drawn by its order of magnitude."""

    low: float
    high: float
    log: bool = False


SPACE: dict[str, Among | Between] = {
    "embedding": Among((16, 32, 64)),
    "hidden": Among((32, 64, 96, 128)),
    "width": Among((32, 64, 128)),
    "dropout": Between(0.0, 0.4),
    "learning_rate": Between(1e-3, 1.5e-2, log=True),
    "weight_decay": Between(1e-3, 1.0, log=True),
    "max_sequence": Among((256, 512, 1_024, 2_048)),
    "recency": Between(0.0, 8.0),
}
"""The searched options of every architecture and their ranges, which contain the defaults of training."""

ONLY: dict[str, dict[str, Among | Between]] = {"attention_rnn": {"attention": Among(KINDS_OF_ATTENTION)}}
"""Further options of one architecture."""

FOR_RARE_ACTIONS: dict[str, Among | Between] = {
    "class_weight": Among(("none", "balanced")),
    "focal_gamma": Among((0.0, 1.0, 2.0)),
}
"""Further options of a search by macro F1; they make other metrics worse."""


@dataclass(frozen=True)
class SearchData:
    """A log, its split and the metric: what all trials of a search share."""

    log: EventLog
    periods: Periods
    no_churn: str  # why there is no churn head, if there is none
    metric: str

    @property
    def facts(self) -> dict[str, Any]:
        """What tells whether a search continues on the same data."""
        return {"events": len(self.log.times), "users": self.log.users, "periods": self.periods.to_notes()}


def searched(architecture: str, metric: str, fixed: frozenset[str]) -> dict[str, Among | Between]:
    """The options of an architecture that are searched by a metric: those that are not fixed by the caller.

    Raises TrainingError if there is nothing to search.
    """
    if architecture not in LEARNED:
        known = ", ".join(LEARNED)
        raise TrainingError(f'"{architecture}" has no options to search for, choose among {known}')
    space = SPACE | ONLY.get(architecture, {}) | (FOR_RARE_ACTIONS if metric == "f1" else {})
    return {name: choices for name, choices in space.items() if name not in fixed}


def search_data(
    con: duckdb.DuckDBPyConnection,
    source: mapped_events.Mapping,
    options: TrainingOptions,
    metric: str,
    progress: Progress,
) -> SearchData:
    """Read the events and cut them, once for all trials.

    Raises TrainingError if churn is to be judged and the events support no churn head.
    """
    limits = options.max_events, options.max_user_events
    log = read_log(con, source, *limits, progress, weight_from=options.weight_from)
    periods, reason = split(log, options)
    if metric == "auc" and periods.churn is None:
        raise TrainingError(f"nothing can be searched by auc of churn: {reason}")
    return SearchData(log, periods, reason, metric)


def try_options(
    data: SearchData, options: TrainingOptions, progress: Progress, on_epoch: Callable[[Epoch], None]
) -> float:
    """Train with these options and judge on the validation part; NaN if training diverged."""
    apart = replace(options, refit=False)  # the part that judges must not be learned from
    made = fit_log(data.log, (data.periods, data.no_churn), apart, progress, on_epoch=on_epoch, tested=False)
    artifact = load(made.artifact, sha256_of(made.artifact), "trial", "cpu")
    return _judge(data, artifact, options.seed)


def train_winner(
    data: SearchData,
    options: TrainingOptions,
    progress: Progress,
    notes: Mapping[str, Any],
    allowed_leaks: list[dict[str, str]] | None,
) -> TrainedModel:
    """Train with the best options, and judge on the test part, for the first and only time."""
    return fit_log(
        data.log, (data.periods, data.no_churn), options, progress, search=dict(notes), allowed_leaks=allowed_leaks
    )


def defaults_of(options: TrainingOptions) -> dict[str, Any]:
    """What the first trials have: the given options, without recency if training would choose it."""
    return asdict(replace(options, recency=options.recency or 0.0))


def options_of(base: TrainingOptions, chosen: Mapping[str, Any]) -> TrainingOptions:
    """The options of a trial."""
    return replace(base, **chosen)


def _judge(data: SearchData, artifact: Artifact, seed: int) -> float:
    """The metric of a model on the validation part; NaN if the model gives no finite figure."""
    encoded = encode_log(data.log, artifact.manifest.inputs)
    parts = parts_of(data.log, encoded, data.periods, seed, _WHOLE, spare_users=False)
    validation = parts.churn.validation if data.metric == "auc" and parts.churn else parts.validation
    predicted = predict(artifact, encoded, validation, Silent())
    if data.metric == "auc":
        churned = np.zeros(0, np.bool_) if validation.churn is None else validation.churn.churned
        return float(roc_auc_score(churned, predicted.churn)) if np.isfinite(predicted.churn).all() else float("nan")
    following = transitions_at(encoded, predicted.at).following
    if data.metric == "accuracy":
        return float((predicted.best == following).mean())
    if data.metric == "f1":
        return metrics.macro_f1(following, predicted.best)
    loss = metrics.mean_log_loss(following, predicted.probability)
    return float("nan") if loss is None else loss
