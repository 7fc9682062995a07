"""Rolls a model forward: the next n actions and their times."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.events.mapping import NO_TIME, US_PER_SECOND
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import seconds_to_next_event
from sqlscore.scoring.ranking import predicted_actions
from sqlscore.scoring.states import States

LONGEST = 1_000
"""The most steps that a user may ask for."""

_LATEST = 2**62  # µs; far past any date, so that adding a gap cannot overflow


def roll_out(artifact: Artifact, sequences: Sequences, steps: int) -> pa.ListArray:
    """The next actions, greedily: each the predicted one after those before it.

    Predicted events come at their predicted time and have no features. A fold's state is advanced;
    for other models the sequence is encoded again with the predicted event behind it.

    Args:
        artifact: the model.
        sequences: N sequences of at least one event each.
        steps: how many actions.

    Returns:
        (N,) lists of `steps` actions.
    """
    size = len(sequences)
    states = artifact.encode(sequences)
    predicted = []
    for step in range(steps):
        actions = predicted_actions(artifact, states)
        predicted.append(actions)
        if step + 1 == steps:
            break
        event = one_event(sequences, actions, predicted_times(artifact, states))
        sequences, states = advance(artifact, sequences, states, event)
    flat = pa.concat_arrays(predicted).take(pa.array(np.arange(size * steps).reshape(steps, size).T.reshape(-1)))
    return pa.ListArray.from_arrays(pa.array(np.arange(size + 1, dtype=np.int32) * steps), flat)


def predicted_times(artifact: Artifact, states: States) -> Ints:
    """(N,) µs at which the next events are predicted: NO_TIME without times, the last time without the head."""
    last = states.clock[:, 1]
    if "time_to_next" not in artifact.manifest.heads:
        return last
    gaps = np.clip(seconds_to_next_event(artifact, states.hidden) * US_PER_SECOND, 0, _LATEST / 2).astype(np.int64)
    later = np.maximum(np.minimum(last, _LATEST) + gaps, last)
    return np.where(last == NO_TIME, last, later)


def one_event(like: Sequences, actions: pa.Array, times: Ints) -> Sequences:
    """N sequences of one event each, whose features are unknown.

    Args:
        like: sequences whose feature columns these have too.
        actions: (N,).
        times: int64 (N,), µs.
    """
    features = {name: pa.nulls(len(actions), column.type) for name, column in like.features.items()}
    return Sequences(actions, times, np.arange(len(actions) + 1, dtype=np.int64), features, like.plain)


def advance(artifact: Artifact, sequences: Sequences, states: States, event: Sequences) -> tuple[Sequences, States]:
    """Put one more event behind each sequence. A fold needs the states alone: its sequences stay as they are.

    Args:
        artifact: the model.
        sequences: N sequences; those of a fold are not read.
        states: the N states after them.
        event: N sequences of one event each.

    Returns:
        The longer sequences, and the states after them.
    """
    if artifact.manifest.fold:
        return sequences, artifact.encode(event, states)
    longer = _append(sequences, event)
    return longer, artifact.encode(longer)


def _append(sequences: Sequences, event: Sequences) -> Sequences:
    """One more event behind each sequence."""
    size, total = len(sequences), int(sequences.offsets[-1])
    offsets = sequences.offsets + np.arange(size + 1)
    rows = np.empty(total + size, np.int64)
    behind = offsets[1:] - 1
    rows[behind] = total + np.arange(size)
    earlier = np.ones(total + size, np.bool_)
    earlier[behind] = False
    rows[earlier] = np.arange(total)
    take = pa.array(rows)
    actions = sequences.actions
    if pa.types.is_dictionary(actions.type):
        actions = actions.cast(pa.string())
    features = {
        name: pa.concat_arrays([column, event.features[name]]).take(take) for name, column in sequences.features.items()
    }
    times = np.concatenate([sequences.times, event.times])[rows]
    return Sequences(pa.concat_arrays([actions, event.actions]).take(take), times, offsets, features, sequences.plain)
