"""Why this score: how far each event moved it from the base rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from sqlscore.artifact import Artifact
from sqlscore.attribution import Attribution, Floats, Ints, Value, attribute
from sqlscore.sequences import Sequences, offsets_of
from sqlscore.udfs.arguments import Column, constant, moments, text, whole_number
from sqlscore.udfs.cache import STATES
from sqlscore.udfs.catalog import Catalog
from sqlscore.udfs.churn import churn_probability, refuse_plain
from sqlscore.udfs.encode import sequences_by_model
from sqlscore.udfs.states import scatter, times_array
from sqlscore.udfs.types import WEIGHTS_ARROW

EARLIER = "(earlier events)"
SILENCE = "(silence)"


@dataclass(frozen=True)
class Reasons:
    """What moved the scores of N users: R rows with the user's number, in any order."""

    row: Ints  # (R,)
    time: Ints  # (R,) µs
    action: pa.Array  # (R,)
    weight: Floats  # (R,)


def explain_next_action(catalog: Catalog, lists: Column, k: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, k, model, mapping) -> WEIGHTS_ARROW: what makes the most likely next action as likely as it is."""
    most = how_many(k)
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("next_action")
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        probability, best = artifact.probabilities(states.hidden).max(dim=1)
        baseline = usual_shares(artifact)[best.numpy()]
        read = read_by(artifact, sequences)
        found = attribute(
            artifact, artifact.batch(read), baseline, probability.double().numpy(), _of_action(artifact, best)
        )
        pieces.append((rows, strongest(_of_events(read, found), len(read), most)))
    return scatter(pieces, len(lists), WEIGHTS_ARROW)


def explain_churn(
    catalog: Catalog, lists: Column, k: Column, as_of: Column, high_water: Column, model: Column, mapping: Column
) -> pa.Array:
    """(lists, k, as_of, high_water, model, mapping) -> WEIGHTS_ARROW: what makes the churn risk at as_of what it is.

    The risk at the last event minus the base rate is shared by the events; what it rose (or fell) from then to as_of
    is a row of its own, SILENCE, at as_of.
    """
    most = how_many(k)
    pieces = []
    times: Ints | None = None
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("churn")
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        refuse_plain(states)
        if times is None:
            times = moments(as_of, high_water, catalog.mapping(text(mapping, "mapping") or ""))
        at, last = times[rows.to_numpy()], states.clock[:, 1].numpy()
        risk = churn_probability(artifact, states, at).astype(np.float64)
        risk_then = churn_probability(artifact, states, last).astype(np.float64)
        baseline = np.full(len(risk), usual_churn(artifact))
        read = read_by(artifact, sequences)
        found = attribute(artifact, artifact.batch(read), baseline, risk_then, _of_churn(artifact, last))
        reasons = _with_silence(_of_events(read, found), at, last, risk - risk_then)
        pieces.append((rows, strongest(reasons, len(read), most)))
    return scatter(pieces, len(lists), WEIGHTS_ARROW)


def usual_shares(artifact: Artifact) -> Floats:
    """(V,) the baseline of each action: its share among the actions that followed an event in training.

    Where the model does not say, all are equally likely.
    """
    known = artifact.manifest.inputs.actions
    shares = artifact.manifest.notes.get("base_rates", {}).get("next_action")
    return np.full(len(known), 1 / len(known)) if shares is None else np.asarray(shares, np.float64)


def usual_churn(artifact: Artifact) -> float:
    """The baseline of churn: the share of the training examples that churned; 0.5 where the model does not say."""
    return float(artifact.manifest.notes.get("base_rates", {}).get("churn", 0.5))


def how_many(k: Column) -> int | None:
    """The parameter k; NULL asks for all."""
    return None if constant(k, "k") is None else whole_number(k, "k", default=5, most=2**31 - 1)


def read_by(artifact: Artifact, sequences: Sequences) -> Sequences:
    """What the model reads of the sequences: all events, or the newest `max_events`."""
    return sequences if artifact.manifest.max_events is None else sequences.newest(artifact.manifest.max_events)


def strongest(reasons: Reasons, size: int, k: int | None) -> pa.ListArray:
    """(size,) lists of the k reasons with the largest |weight|, largest first, of equal ones the newest first."""
    order = np.lexsort((-np.arange(len(reasons.row)), -reasons.time, -np.abs(reasons.weight), reasons.row))
    counts = np.bincount(reasons.row, minlength=size)
    if k is not None:
        order = order[np.arange(len(order)) - np.repeat(offsets_of(counts)[:-1], counts) < k]
        counts = np.minimum(counts, k)
    return weight_lists(reasons.time[order], reasons.action.take(pa.array(order)), reasons.weight[order], counts)


def weight_lists(times: Ints, actions: pa.Array, weights: Floats, counts: Ints) -> pa.ListArray:
    """Columns of all lists one after the other -> lists of these lengths."""
    columns = [times_array(times), actions.cast(pa.string()), pa.array(weights.astype(np.float32))]
    values = pa.StructArray.from_arrays(columns, fields=list(WEIGHTS_ARROW.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets_of(counts).astype(np.int32)), values)


def _of_events(sequences: Sequences, found: Attribution) -> Reasons:
    sizes = np.diff(found.offsets)
    actions = sequences.actions.take(pa.array(found.event)).cast(pa.string())
    named = pc.if_else(pa.array(found.together), EARLIER, actions)
    return Reasons(np.repeat(np.arange(len(sizes)), sizes), sequences.times[found.event], named, found.weights)


def _with_silence(reasons: Reasons, as_of: Ints, last: Ints, weight: Floats) -> Reasons:
    """The same with what came of the time since the last event, where there is some."""
    silent = np.flatnonzero(as_of > last)
    return Reasons(
        np.append(reasons.row, silent),
        np.append(reasons.time, as_of[silent]),
        pa.concat_arrays([reasons.action, pa.array([SILENCE] * len(silent), pa.string())]),
        np.append(reasons.weight, weight[silent]),
    )


def _of_action(artifact: Artifact, action: torch.Tensor) -> Value:
    def probability(hidden: torch.Tensor, clock: torch.Tensor, row: Ints) -> torch.Tensor:
        return artifact.probabilities(hidden).gather(1, action[torch.from_numpy(row)].unsqueeze(1))[:, 0]

    return probability


def _of_churn(artifact: Artifact, as_of: Ints) -> Value:
    def risk(hidden: torch.Tensor, clock: torch.Tensor, row: Ints) -> torch.Tensor:
        return artifact.churn(hidden, clock, torch.from_numpy(as_of[row]))

    return risk
