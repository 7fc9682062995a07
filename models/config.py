"""The configuration of every architecture: one frozen dataclass that round-trips to JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlscore.errors import ArtifactError


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and time scales of a model; what it reads (vocabularies, columns) is in `Inputs`.

    decay_seconds: time constants of the exponentially decayed event counts among the running summaries.
    counted_actions: how many of the most frequent actions have a running count of their own.
    """

    architecture: str = "gru"
    embedding: int = 32  # E
    hidden: int = 64  # H
    width: int = 64  # W of the heads, and D of the users' representations
    dropout: float = 0.1
    id_dropout: float = 0.1  # share of training events whose action is read through its n-grams alone
    counted_actions: int = 32
    visit_gap_seconds: float = 1800.0
    decay_seconds: tuple[float, ...] = (3_600.0, 86_400.0, 604_800.0)
    churn: bool = True
    attention: str = "multi_head"  # how attention_rnn pools: global, self or multi_head
    direct: bool | None = None  # a path from summaries to each action; None: if there are few actions

    def to_json(self) -> str:
        """All fields, names sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """What `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields["decay_seconds"] = tuple(fields["decay_seconds"])
        return cls(**fields)


LARGEST = 4_096
"""The most of each size: what builds a stored model must not be made to fill the memory."""
_SIZES = ("embedding", "hidden", "width", "counted_actions")


def check_config(found: dict[str, Any], architecture: str) -> ModelConfig:
    """The configuration in the manifest of a stored model.

    Raises ArtifactError if a field is unknown, or has a value that no model can have or that would not fit in memory.
    """
    known = {field.name for field in fields(ModelConfig)}
    unknown = sorted(set(found) - known)
    if unknown:
        raise ArtifactError(f"its config has the field {unknown[0]!r}, which this sqlscore does not know")
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
    config = ModelConfig(**given)
    for name in known:
        if not _sound(name, getattr(config, name)):
            raise ArtifactError(f"its config says {name} = {str(getattr(config, name))[:60]}, which no model can have")
    if config.architecture != architecture:
        raise ArtifactError(f'its config is of "{config.architecture}", its manifest of "{architecture}"')
    return config


def _sound(name: str, value: Any) -> bool:
    if name in _SIZES:
        return type(value) is int and 1 <= value <= LARGEST
    if name in ("dropout", "id_dropout"):
        return _number(value) and 0 <= value < 1
    if name == "visit_gap_seconds":
        return _number(value) and value > 0
    if name == "decay_seconds":
        return isinstance(value, tuple) and len(value) <= 64 and all(_number(each) and each > 0 for each in value)
    if name == "direct":
        return value is None or isinstance(value, bool)
    return isinstance(value, bool) if name == "churn" else isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)
