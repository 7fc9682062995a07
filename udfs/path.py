"""Roll-out: the next n actions, each predicted after the one before it."""

from __future__ import annotations

import pyarrow as pa

from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.rollout import LONGEST, roll_out
from sqlscore.udfs.arguments import Column, whole_number
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_by_model


def path(catalog: Catalog, lists: Column, n: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, n, model, mapping) -> VARCHAR[], the next n actions."""
    steps = whole_number(n, "n", default=3, most=LONGEST)
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("next_action")
        catalog.count(len(sequences))
        pieces.append((rows, roll_out(artifact, sequences, steps)))
    return scatter(pieces, len(lists), pa.list_(pa.string()))
