"""The churn head, and the head that gives every cheap score at once."""

from __future__ import annotations

import pyarrow as pa

from sqlscore.columns import column_of
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.scores import churn_probability, refuse_plain, score_states
from sqlscore.scoring.sql_types import SCORE_ARROW
from sqlscore.scoring.states import without_times
from sqlscore.udfs.arguments import Column, mapping_of, moments_of, span
from sqlscore.udfs.columns import by_model, newest_in, scatter


def churn(
    catalog: Catalog, state: Column, as_of: Column, high_water: Column, mapping: Column, horizon: Column
) -> pa.Array:
    """(state, as_of, high_water, mapping, horizon) -> FLOAT in [0, 1]."""
    pieces, within = [], span(horizon, "horizon")
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("churn")
        refuse_plain(states)
        times = moments_of(rows, as_of, high_water, newest_in(state, rows), mapping_of(catalog, mapping))
        risk = churn_probability(artifact, states, times, within)
        pieces.append((rows, column_of(risk)))
    return scatter(pieces, len(state), pa.float32())


def score(catalog: Catalog, state: Column, as_of: Column, high_water: Column, mapping: Column) -> pa.Array:
    """(state, as_of, high_water, mapping) -> SCORE_ARROW; heads that a model lacks, or that need times, are NULL."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        timed = not bool(without_times(states.clock).any())
        times = None
        if timed:
            times = moments_of(rows, as_of, high_water, newest_in(state, rows), mapping_of(catalog, mapping))
        pieces.append((rows, score_states(artifact, states, times)))
    return scatter(pieces, len(state), SCORE_ARROW)
