"""Fine-tuned heads of every kind, of random weights: tests of what they say need no labels to learn from."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import numpy as np

from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.events.reading import from_lists
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_artifact import head_manifest, pack_head
from sqlscore.scoring.label_features import Table, label_features
from sqlscore.scoring.label_head import LEVELS, Head, Kind

SHARES = {"yes_no": [0.8, 0.2], "classes": [0.5, 0.3, 0.2], "count": [0.6, 0.4], "amount": [0.6, 0.4]}
MEANS = {"count": 1.5, "amount": 20.0}
VALUES = {"yes_no": ("false", "true"), "classes": ("badge", "it's", "none")}


def head(kind: Kind, features: Table) -> Head:
    """A head of random weights, whose answers differ between these users."""
    random = np.random.default_rng(len(kind))
    size, columns = features.shape[1], len(VALUES["classes"]) if kind == "classes" else 1
    numbers, knots = kind in SHARES and kind in MEANS, np.zeros(2)
    spread = features.std(0).astype(np.float64)
    return Head(
        kind, VALUES.get(kind, ()), features.mean(0).astype(np.float64), np.where(spread > 1e-3, spread, 1.0),
        random.normal(size=(size + 2, columns)) / math.sqrt(size), np.full(columns, -0.2),
        np.array([0.1, 0.02] if kind == "uplift" else [1.2, 0.1]),
        random.normal(size=size + 2) / math.sqrt(size) if numbers else np.zeros(0),
        np.array([1.0, 0.3, 0.0, 4.0]), np.sort(random.normal(size=len(LEVELS))) if numbers else np.zeros(0),
        np.array([0.0, 2.0]), knots,
    )  # fmt: skip


def add_head(con: duckdb.DuckDBPyConnection, base: Artifact, own: Head, name: str, *, rates: bool = True) -> None:
    """Register a head on a base, with what is usual among its labels in its notes."""
    notes: dict[str, Any] = {}
    if rates and own.kind in SHARES:
        notes["base_rates"] = {"shares": SHARES[own.kind]}
        if own.kind in MEANS:
            notes["base_rates"]["mean"] = MEANS[own.kind]
    manifest = head_manifest(base, own, {}, trained=(0, 1), notes=notes, metrics={})
    register(con, pack_head(own, manifest), name=name, mapping="events", champion=False, verb="finetune")


def read_of(con: duckdb.DuckDBPyConnection, base: Artifact) -> Table:
    """What heads on this base read of all mapped users, as of a day after the last event of each."""
    lists = con.sql("SELECT list(e) AS l FROM sqlscore.events e GROUP BY user_id ORDER BY user_id").to_arrow_table()
    sequences = from_lists(lists["l"].combine_chunks(), catalog(con).mapping("events"))
    states = base.encode(sequences)
    return label_features(base, states, states.clock[:, 1] + 86_400_000_000)
