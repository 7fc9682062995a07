"""What a training notes in the manifest: what it read, where it cut it, what it was asked for, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

from sqlscore.scoring.manifest import Manifest

Part = TypeVar("Part")
# notes of some models alone
_ONLY_SOME = (
    "action_attention",
    "search",
    "no_churn",
    "no_training",
    "allowed_leaks",
    "weighted_labels",
    "pretraining",
    "tuned_for",
)


@dataclass(frozen=True)
class Sample:
    """Which events a training read. share_of_users: ten-thousandths. users_cut: users of whom only the newest."""

    share_of_users: int = 10_000
    users: int | None = None
    events: int | None = None
    users_cut: int | None = None


@dataclass(frozen=True)
class Limits:
    """How many events a training may read: in all, and of one user."""

    max_events: int
    max_user_events: int


@dataclass(frozen=True)
class TrainingRun:
    """How much a model learned from, and how its training went. until: µs, the newest target learned from."""

    events: int | None = None
    targets: int | None = None
    churn_examples: int | None = None
    validation_targets: int | None = None
    validated_on: str | None = None
    epochs: int | None = None  # 0 for a model that counts
    best_epoch: int | None = None
    history: list[dict[str, Any]] = field(default_factory=list)  # one dict for each epoch: its number and losses
    validation_log_loss: float | None = None
    churn_log_loss: dict[str, float] | None = None
    refit_epochs: int | None = None
    until: int | None = None
    users_shortened: int | None = None
    recency: float | None = None  # how often the weights of targets halved from the newest to the oldest
    counting: dict[str, float] | None = None  # what is counted beside the network, and the network's weight

    @property
    def churn_validation_log_loss(self) -> float | None:
        """Of the churn head that was kept, None without one."""
        return (self.churn_log_loss or {}).get("chosen")


@dataclass(frozen=True)
class BaseRates:
    """What is usual in the training part. next_action: (V,) the share of each action. churn: the share that churned."""

    next_action: list[float] | None = None
    churn: float | None = None


@dataclass(frozen=True)
class TrainingNotes:
    """All that a training notes. None stands for what a model does not say: older models say less.

    Args:
        periods: how events were cut in time, as `training.data.split.Periods` writes and reads it.
        sample: the events that were read.
        limits: the most events that could be read.
        options: the fields of TrainingOptions that the training was asked for.
        training: how it went.
        validation: figures of the validation part, before the model learned from that too.
        base_rates: where explanations start from.
        action_attention: how much the meaning of an action takes from another, for models with a graph of actions.
        search: the search that chose the options.
        no_churn: why there is no churn head.
        no_training: that it is made of counts and tables alone, if it is.
        allowed_leaks: findings of the linter in the mapped view that were let pass, each with rule, place and reason.
        weighted_labels: how interventions changed the churn labels, see `training.data.churn_labels.weighting_of`.
        pretraining: of a base for fine-tuning, which is no champion: how many "sources" it read, and its "objective".
        tuned_for: of a copy whose encoder was tuned, no champion either: the "label", and the "base" that was copied,
            with its "base_sha256".
    """

    periods: dict[str, Any] | None = None
    sample: Sample | None = None
    limits: Limits | None = None
    options: dict[str, Any] = field(default_factory=dict)
    training: TrainingRun | None = None
    validation: dict[str, Any] | None = None
    base_rates: BaseRates = BaseRates()
    action_attention: list[dict[str, Any]] | None = None
    search: dict[str, Any] | None = None
    no_churn: str | None = None
    no_training: str | None = None
    allowed_leaks: list[dict[str, str]] | None = None
    weighted_labels: dict[str, Any] | None = None
    pretraining: dict[str, Any] | None = None
    tuned_for: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in the manifest."""
        notes = {name: value for name, value in asdict(self).items() if value is not None or name not in _ONLY_SOME}
        notes["base_rates"] = {name: rate for name, rate in notes["base_rates"].items() if rate is not None}
        return notes

    @classmethod
    def from_json(cls, notes: Mapping[str, Any]) -> TrainingNotes:
        """Read a manifest's notes; keys of another version are left out."""
        known = {name: value for name, value in notes.items() if value is not None and name in _names(cls)}
        for name, kind in (
            ("sample", Sample),
            ("limits", Limits),
            ("training", TrainingRun),
            ("base_rates", BaseRates),
        ):
            if name in known:
                known[name] = _part(kind, known[name])
        return cls(**known)

    @property
    def high_water(self) -> int | None:
        """µs of the newest event that was there at the training, the test part included."""
        return self.periods.get("high_water") if self.periods else None

    def why_without(self, head: str) -> str:
        """Why the model lacks a head."""
        return (self.no_churn if head == "churn" else None) or "it was trained without it"


def seen_until(manifest: Manifest) -> int:
    """µs of the newest event that influenced the model.

    This includes the validation part, which decides when training stops and how it is calibrated, and the test part if
    the model learned it after it was judged.
    """
    notes = TrainingNotes.from_json(manifest.notes)
    if notes.periods is None:
        return int(np.datetime64(manifest.trained_to.removesuffix("Z"), "us").astype(np.int64))
    learned = None if notes.training is None else notes.training.until
    return max(int(notes.periods["t2"]), learned or 0)


def _part(kind: type[Part], values: Mapping[str, Any]) -> Part:
    return kind(**{name: value for name, value in values.items() if name in _names(kind)})


def _names(kind: Any) -> set[str]:
    return {each.name for each in fields(kind)}
