"""The configuration of every architecture: one frozen dataclass that round-trips to JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


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
