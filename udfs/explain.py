"""Why this score: how far each event moved it from the base rate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sqlscore.errors import ModelError
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.explanation.attribution import attribute
from sqlscore.scoring.explanation.labels import Answer, of_label
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
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.scoring.label_features import Table, label_features
from sqlscore.scoring.ranking import decided
from sqlscore.scoring.scores import churn_probability, refuse_plain
from sqlscore.scoring.sql_types import WEIGHTS_ARROW
from sqlscore.scoring.states_in_arrow import times_array
from sqlscore.udfs.arguments import Column, constant, mapping_of, moments_of, newest_of, whole_number
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_by_model
from sqlscore.udfs.finetuned import asked_of, column_of


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
            of_action(artifact, best),
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


def explain_label(
    catalog: Catalog,
    lists: Column,
    label: Column,
    value: Column,
    k: Column,
    as_of: Column,
    high_water: Column,
    mapping: Column,
) -> pa.Array:
    """What makes the answer of a fine-tuned head at as_of what it is.

    As for churn, the answer at the last event minus the baseline is shared by the events, and what it moved from then
    to as_of is the row SILENCE.

    Args:
        catalog: of the open database.
        lists: (N,) events.
        label: what finetune learned.
        value: whose probability is explained; NULL for true, for the most likely class of each user, for the mean of a
            number, and for an uplift.
        k: how many reasons at most; NULL for all.
        as_of: (N,) the moment of the answer.
        high_water: (N,) the newest time of the mapped table, which stands in for a NULL as_of.
        mapping: the name of the mapping of the events.

    Returns:
        (N,) WEIGHTS_ARROW.
    """
    most, wanted = how_many(k), constant(value, "value")
    asked = asked_of(catalog, lists, label, as_of, high_water, mapping)
    if asked is None:
        return pa.nulls(len(lists), WEIGHTS_ARROW)
    base, states, rows = asked.base, asked.states, np.arange(len(asked.states))
    last = states.clock[:, 1]
    features = label_features(base, states, asked.as_of)
    answer = _answer_of(asked.model, wanted, features)
    now, then = answer.of(features, rows), answer.of(label_features(base, states, last), rows)
    read = base.events_read(asked.sequences)
    value_of = of_label(base, answer, last, states.n_events - read.lengths)
    attribution = attribute(base, base.batch(read), answer.usual(len(rows)), then, value_of)
    reasons = with_silence(of_events(read, attribution), asked.as_of, last, now - then)
    return scatter([(asked.rows, strongest(reasons, len(read), most))], len(lists), WEIGHTS_ARROW)


def _answer_of(model: FinetunedModel, wanted: object, features: Table) -> Answer:
    """Which answer is explained, with (N, P) what the head reads of the users."""
    head = model.head
    if head.kind == "uplift" and wanted is not None:
        raise ModelError(f"value is {wanted!r}, and {model.name} learned an intervention: leave value out")
    if wanted is None and head.kind == "classes":
        return Answer(model, head.probabilities(features).argmax(axis=1))
    if wanted is None and head.kind != "yes_no":
        return Answer(model, None)
    return Answer(model, np.full(len(features), column_of(model, wanted)))


def how_many(k: Column) -> int | None:
    """The parameter k; NULL asks for all."""
    return None if constant(k, "k") is None else whole_number(k, "k", default=5, most=2**31 - 1)
