"""What a fine-tuned head reads of a user: the base model's state and what its heads say of it, as of a moment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities, churn_risk, representations, seconds_to_next_event
from sqlscore.scoring.states import States

Table = npt.NDArray[np.float32]

_WIDEST = 512
"""Columns of a state, a representation or a vocabulary above which that part is left out: too many to learn."""
_LEAST = 1e-6


def label_features(artifact: Artifact, states: States, as_of: Ints) -> Table:
    """The columns that a head reads; they depend on the base model and on nothing else of the file.

    Args:
        artifact: the base model.
        states: N states of users, with times.
        as_of: int64 (N,), µs: the moment of each.

    Returns:
        float32 (N, P).
    """
    hidden = states.hidden
    columns: list[npt.NDArray[np.floating]] = [_when(states, as_of)]
    if hidden.shape[1] <= _WIDEST:
        columns.append(np.sign(hidden) * np.log1p(np.abs(hidden)))
    if artifact.manifest.embedding_size <= _WIDEST:
        columns.append(representations(artifact, hidden))
    if "next_action" in artifact.manifest.heads and len(artifact.manifest.inputs.actions) <= _WIDEST:
        columns.append(np.log(np.maximum(action_probabilities(artifact, hidden), _LEAST)))
    if "time_to_next" in artifact.manifest.heads:
        expected = np.log1p(np.maximum(seconds_to_next_event(artifact, hidden), 0.0))
        silence = np.log1p(_seconds(as_of - states.clock[:, 1]))
        columns.append(np.stack([expected, silence - expected], axis=1))
    if "churn" in artifact.manifest.heads:
        risk = np.clip(churn_risk(artifact, hidden, states.clock, as_of).astype(np.float64), _LEAST, 1 - _LEAST)
        columns.append(np.log(risk / (1 - risk))[:, None])
    found = np.concatenate([column.astype(np.float32) for column in columns], axis=1)
    finite: Table = np.nan_to_num(found, posinf=0.0, neginf=0.0)
    return finite


def _when(states: States, as_of: Ints) -> Floats:
    """(N, 5): silence, age and pace of the user, and how many events there are."""
    silence, age = _seconds(as_of - states.clock[:, 1]), _seconds(as_of - states.clock[:, 0])
    n = np.maximum(states.n_events, 1).astype(np.float64)
    pace = age / n
    return np.stack(
        [np.log1p(silence), np.log1p(age), np.log1p(n), silence / (age + 1.0), np.log1p(silence) - np.log1p(pace)],
        axis=1,
    )


def _seconds(microseconds: Ints) -> Floats:
    return np.maximum(microseconds.astype(np.float64), 0.0) / US_PER_SECOND
