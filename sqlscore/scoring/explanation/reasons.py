"""Which events of a sequence drive a score, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.explanation.attribution import Attribution, Value
from sqlscore.scoring.head_outputs import action_probabilities, churn_risk
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.sql_types import WEIGHTS_ARROW
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

    Where the model does not say, all are equally likely.
    """
    known = artifact.manifest.inputs.actions
    shares = TrainingNotes.from_json(artifact.manifest.notes).base_rates.next_action
    return np.full(len(known), 1 / len(known)) if shares is None else np.asarray(shares, np.float64)


def usual_churn(artifact: Artifact) -> float:
    """The baseline of churn: the share of the training examples that churned; 0.5 if the model does not say."""
    rate = TrainingNotes.from_json(artifact.manifest.notes).base_rates.churn
    return 0.5 if rate is None else float(rate)


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


def of_events(sequences: Sequences, found: Attribution) -> Reasons:
    """Weights of events, with the action and the time of each."""
    sizes = np.diff(found.offsets)
    actions = sequences.actions.take(pa.array(found.event)).cast(pa.string())
    named = pc.if_else(pa.array(found.together), EARLIER, actions)
    return Reasons(np.repeat(np.arange(len(sizes)), sizes), sequences.times[found.event], named, found.weights)


def with_silence(reasons: Reasons, as_of: Ints, last: Ints, weight: Floats) -> Reasons:
    """Add one row for the time since the last event, if `as_of` is later than it."""
    silent = np.flatnonzero(as_of > last)
    return Reasons(
        np.append(reasons.row, silent),
        np.append(reasons.time, as_of[silent]),
        pa.concat_arrays([reasons.action, pa.array([SILENCE] * len(silent), pa.string())]),
        np.append(reasons.weight, weight[silent]),
    )


def of_action(artifact: Artifact, action: torch.Tensor) -> Value:
    """The value that is explained: the probability of `action` (codes, (N,))."""

    def probability(hidden: torch.Tensor, _clock: torch.Tensor, row: Ints) -> torch.Tensor:
        return action_probabilities(artifact, hidden).gather(1, action[torch.from_numpy(row)].unsqueeze(1))[:, 0]

    return probability


def of_churn(artifact: Artifact, as_of: Ints) -> Value:
    """The value that is explained: the churn risk at `as_of` (µs, (N,))."""

    def risk(hidden: torch.Tensor, clock: torch.Tensor, row: Ints) -> torch.Tensor:
        return churn_risk(artifact, hidden, clock, torch.from_numpy(as_of[row]))

    return risk
