"""The parameters and metrics of an MLflow run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlscore.database.registry import ModelInfo
from sqlscore.events.mapping import Mapping
from sqlscore.redaction import scrub
from sqlscore.scoring.notes import TrainingNotes, TrainingRun

if TYPE_CHECKING:
    from sqlscore.scoring.artifact import Artifact

_LONGEST = 500  # characters of a parameter; servers differ in what they take
_LOSSES = {
    "train_loss": "train/loss",
    "next_action": "validation/next_action_loss",
    "time": "validation/time_to_next_loss",
}


def parameters(info: ModelInfo, mapping: Mapping) -> dict[str, str]:
    """What the model was trained with and on, as text; secrets in a relation's text are hidden."""
    notes = TrainingNotes.from_json(info.notes)
    noted = {key: value for part in (notes.sample, notes.training) if part for key, value in asdict(part).items()}
    values: dict[str, Any] = {**notes.options, "architecture": info.architecture}
    values |= {f"mapping.{key}": value for key, value in asdict(mapping).items()}
    values["mapping.features"] = ", ".join(f"{feature.name} ({feature.kind})" for feature in mapping.features)
    values |= {f"data.{key}": value for key, value in noted.items() if isinstance(value, int | str)}
    values |= {
        "heads": ", ".join(info.heads),
        "churn.horizon_seconds": info.horizon_seconds,
        "data.trained_from": info.trained_from,
        "data.trained_to": info.trained_to,
    }
    return {key: scrub(str(value))[:_LONGEST] for key, value in values.items() if value is not None}


def numbers(info: ModelInfo, report: Dict[str, Any], artifact: Artifact) -> list[tuple[str, float, int]]:
    """(name, value, step): losses by epoch, figures of the test part and its baselines, seconds and sizes at step 0."""
    values: list[tuple[str, float, int]] = []
    for epoch in (TrainingNotes.from_json(info.notes).training or TrainingRun()).history:
        values += [(name, float(epoch[key]), int(epoch["number"])) for key, name in _LOSSES.items() if epoch.get(key)]
    values += [(name, value, 0) for name, value in _flat("test", info.metrics)]
    values += [(name, value, 0) for name, value in _flat("seconds", report.get("seconds", {}))]
    values.append(("parameters", float(sum(each.numel() for each in artifact.module.parameters())), 0))
    return values


def _flat(prefix: str, values: Dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        if isinstance(value, Dict):
            yield from _flat(f"{prefix}/{key}", value)
        elif isinstance(value, int | float) and math.isfinite(value):
            yield f"{prefix}/{key}", float(value)
