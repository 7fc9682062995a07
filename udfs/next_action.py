"""Heads that say what comes next: actions with probabilities, and the representation that these are read off."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sqlscore.columns import column_of, is_valid, numbers_of
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.head_outputs import action_probabilities, representations
from sqlscore.scoring.ranking import action_codes, predicted_actions, top_actions
from sqlscore.scoring.sql_types import ACTIONS_ARROW
from sqlscore.scoring.states_in_arrow import float_lists
from sqlscore.udfs.arguments import Column, one_array, whole_number
from sqlscore.udfs.columns import by_model, scatter


def next_action(catalog: Catalog, state: Column) -> pa.Array:
    """State -> VARCHAR, the predicted next action."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        pieces.append((rows, predicted_actions(artifact, states)))
    return scatter(pieces, len(state), pa.string())


def next_actions(catalog: Catalog, state: Column, k: Column) -> pa.Array:
    """(state, k) -> the k most likely next actions, best first."""
    limit = whole_number(k, "k", default=3, most=2**31 - 1)
    pieces = [(rows, top_actions(artifact, states, limit)) for rows, artifact, states in by_model(state, catalog)]
    return scatter(pieces, len(state), ACTIONS_ARROW)


def action_probability(catalog: Catalog, state: Column, action: Column) -> pa.Array:
    """(state, action) -> FLOAT, the probability that the next action is that one; NULL if action is NULL."""
    asked = one_array(action)
    if not pa.types.is_string(asked.type):
        asked = asked.cast(pa.string())
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("next_action")
        codes = action_codes(artifact, asked.take(rows))
        probabilities = action_probabilities(artifact, states.hidden)
        columns = numbers_of(codes).astype(np.int64)
        values = probabilities[np.arange(len(columns)), columns]
        missing = ~is_valid(codes)
        pieces.append((rows, column_of(np.asarray(values, np.float32), missing)))
    return scatter(pieces, len(state), pa.float32())


def embedding(catalog: Catalog, state: Column) -> pa.Array:
    """State -> FLOAT[], the user's representation."""
    pieces = [
        (rows, float_lists(representations(artifact, states.hidden)))
        for rows, artifact, states in by_model(state, catalog)
    ]
    return scatter(pieces, len(state), pa.list_(pa.float32()))
