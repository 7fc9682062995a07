"""Where a model with attention looks: a read-out of its weights."""

from __future__ import annotations

import pyarrow as pa

from sqlscore.errors import ModelError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.explanation.reasons import weight_lists
from sqlscore.scoring.manifest import read_manifest
from sqlscore.scoring.sql_types import WEIGHTS_ARROW
from sqlscore.scoring.torch_heads import attention_weights
from sqlscore.udfs.arguments import Column
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_by_model

ATTENTIVE = ("attention_rnn", "transformer")
"""Architectures whose module exports `attention`."""


def attend(catalog: Catalog, lists: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, model, mapping) -> WEIGHTS_ARROW in time order: weights >= 0 that sum to 1 over the events it reads."""
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        if "attention" not in artifact.manifest.capabilities:
            raise _without_attention(catalog, artifact)
        read = artifact.events_read(sequences)
        catalog.count(len(read))
        weights = attention_weights(artifact, artifact.batch(read)).numpy()
        pieces.append((rows, weight_lists(read.times, read.actions, weights, read.lengths)))
    return scatter(pieces, len(lists), WEIGHTS_ARROW)


def _without_attention(catalog: Catalog, artifact: Artifact) -> ModelError:
    models = catalog.snapshot.models.values()
    have = [m.label for m in models if read_manifest(m.data).architecture in ATTENTIVE]
    return ModelError(
        f"model {artifact.name} ({artifact.manifest.architecture}) has no attention; architectures that have it: "
        f"{', '.join(ATTENTIVE)}; "
        + (f"name one of the registered ones, model := '{have[-1]}'" if have else "train one of them")
        + "; explain_next_action and explain_churn_risk work with every model"
    )
