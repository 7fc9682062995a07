"""Which events of a sequence drive a score, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Floats, Ints
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.explanation.attribution import Attribution
from sqlscore.scoring.explanation.beginnings import Value
from sqlscore.scoring.head_outputs import action_probabilities, churn_risk
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.sql_types import WEIGHTS_ARROW
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import times_array

EARLIER = "(earlier events)"


SILENCE = "(silence)"


@dataclass(frozen=True)
class Reasons:
    """What moved the scores of N users: R rows with the user's number, in any order."""

    row: Ints  # (R,)
    time: Ints  # (R,) µs
    action: pa.Array  # (R,)
    weight: Floats  # (R,)


def usual_shares(artifact: Artifact) -> Floats:
    """(V,) the baseline of each action: its share among the actions that followed an event in training.

    All are equally likely if the model does not say.
    """
    known = artifact.manifest.inputs.actions
    shares = TrainingNotes.from_json(artifact.manifest.notes).base_rates.next_action
    return np.full(len(known), 1 / len(known)) if shares is None else np.asarray(shares, np.float64)


def usual_churn(artifact: Artifact) -> float:
    """The baseline of churn: the share of the training examples that churned; 0.5 if the model does not say."""
    rate = TrainingNotes.from_json(artifact.manifest.notes).base_rates.churn
    return 0.5 if rate is None else float(rate)


def strongest(reasons: Reasons, size: int, k: int | None) -> pa.ListArray:
    """The reasons of each user with the largest |weight|, largest first, of equal ones the newest first.

    Args:
        reasons: of N users.
        size: N.
        k: how many of each user at most; None for all.

    Returns:
        (N,) WEIGHTS_ARROW.
    """
    order = np.lexsort((-np.arange(len(reasons.row)), -reasons.time, -np.abs(reasons.weight), reasons.row))
    counts = np.bincount(reasons.row, minlength=size)
    if k is not None:
        order = order[np.arange(len(order)) - np.repeat(offsets_of(counts)[:-1], counts) < k]
        counts = np.minimum(counts, k)
    return weight_lists(reasons.time[order], reasons.action.take(pa.array(order)), reasons.weight[order], counts)


def weight_lists(times: Ints, actions: pa.Array, weights: Floats, counts: Ints) -> pa.ListArray:
    """Columns of all lists, one list after the other -> lists.

    Args:
        times: int64 (R,), µs.
        actions: (R,) text.
        weights: (R,).
        counts: int64 (N,), the length of each list; they sum to R.

    Returns:
        (N,) WEIGHTS_ARROW.
    """
    columns = [times_array(times), actions.cast(pa.string()), pa.array(weights.astype(np.float32))]
    values = pa.StructArray.from_arrays(columns, fields=list(WEIGHTS_ARROW.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets_of(counts).astype(np.int32)), values)


def of_events(sequences: Sequences, attribution: Attribution) -> Reasons:
    """Weights of events, with the action and the time of each."""
    sizes = np.diff(attribution.offsets)
    actions = sequences.actions.take(pa.array(attribution.event)).cast(pa.string())
    named = pc.if_else(pa.array(attribution.together), EARLIER, actions)
    row, time = np.repeat(np.arange(len(sizes)), sizes), sequences.times[attribution.event]
    return Reasons(row, time, named, attribution.weights)


def with_silence(reasons: Reasons, as_of: Ints, last: Ints, weight: Floats) -> Reasons:
    """Add one row for the silence of each user whose last event is earlier than the moment of the score.

    Args:
        reasons: of N users.
        as_of: int64 (N,), µs: the moment of each score.
        last: int64 (N,), µs: the last event of each user.
        weight: (N,), how far the silence moved each score.
    """
    silent = np.flatnonzero(as_of > last)
    return Reasons(
        np.append(reasons.row, silent),
        np.append(reasons.time, as_of[silent]),
        pa.concat_arrays([reasons.action, pa.array([SILENCE] * len(silent), pa.string())]),
        np.append(reasons.weight, weight[silent]),
    )


def of_action(artifact: Artifact, action: Ints) -> Value:
    """The value that is explained: the probability of `action` (codes, (N,))."""

    def probability(states: States, row: Ints) -> Floats:
        told = action_probabilities(artifact, states.hidden)
        return told[np.arange(len(row)), action[row]].astype(np.float64)

    return probability


def of_churn(artifact: Artifact, as_of: Ints) -> Value:
    """The value that is explained: the churn risk at `as_of` (µs, (N,))."""

    def risk(states: States, row: Ints) -> Floats:
        return churn_risk(artifact, states.hidden, states.clock, as_of[row]).astype(np.float64)

    return risk
