"""Why this score: how far each event moved it from the base rate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.explanation.attribution import attribute
from sqlscore.scoring.explanation.reasons import (
    of_action,
    of_churn,
    of_events,
    strongest,
    usual_churn,
    usual_shares,
    with_silence,
)
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.ranking import decided
from sqlscore.scoring.scores import churn_probability, refuse_plain
from sqlscore.scoring.sql_types import WEIGHTS_ARROW
from sqlscore.scoring.states_in_arrow import times_array
from sqlscore.udfs.arguments import Column, constant, mapping_of, moments_of, newest_of, whole_number
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_by_model


def explain_next_action(catalog: Catalog, lists: Column, k: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, k, model, mapping) -> WEIGHTS_ARROW: what makes the predicted next action as likely as it is."""
    most = how_many(k)
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("next_action")
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        probabilities = action_probabilities(artifact, states.hidden)
        best = decided(artifact, probabilities)
        probability = probabilities[np.arange(len(best)), best]
        baseline = usual_shares(artifact)[best]
        read = artifact.events_read(sequences)
        attribution = attribute(
            artifact,
            artifact.batch(read),
            baseline,
            probability.astype(np.float64),
            of_action(artifact, torch.from_numpy(best)),
        )
        pieces.append((rows, strongest(of_events(read, attribution), len(read), most)))
    return scatter(pieces, len(lists), WEIGHTS_ARROW)


def explain_churn(
    catalog: Catalog, lists: Column, k: Column, as_of: Column, high_water: Column, model: Column, mapping: Column
) -> pa.Array:
    """What makes the churn risk at as_of what it is.

    The risk at the last event minus the base rate is shared by the events; what it rose (or fell) from then to as_of
    is a row of its own, SILENCE, at as_of.

    Args:
        catalog: of the open database.
        lists: (N,) events.
        k: how many reasons at most; NULL for all.
        as_of: (N,) the moment of the risk.
        high_water: (N,) the newest time of the mapped table, which stands in for a NULL as_of.
        model: (N,) names; NULL for the champion.
        mapping: the name of the mapping of the events.

    Returns:
        (N,) WEIGHTS_ARROW.
    """
    most = how_many(k)
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("churn")
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        refuse_plain(states)
        newest = times_array(newest_of(sequences))
        at = moments_of(rows, as_of, high_water, newest, mapping_of(catalog, mapping))
        last = states.clock[:, 1]
        risk = churn_probability(artifact, states, at).astype(np.float64)
        risk_then = churn_probability(artifact, states, last).astype(np.float64)
        baseline = np.full(len(risk), usual_churn(artifact))
        read = artifact.events_read(sequences)
        attribution = attribute(artifact, artifact.batch(read), baseline, risk_then, of_churn(artifact, last))
        reasons = with_silence(of_events(read, attribution), at, last, risk - risk_then)
        pieces.append((rows, strongest(reasons, len(read), most)))
    return scatter(pieces, len(lists), WEIGHTS_ARROW)


def how_many(k: Column) -> int | None:
    """The parameter k; NULL asks for all."""
    return None if constant(k, "k") is None else whole_number(k, "k", default=5, most=2**31 - 1)
