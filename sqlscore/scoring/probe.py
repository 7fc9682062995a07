"""Scores a few made-up events, to see whether an artifact is what its manifest says."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from sqlscore.errors import ArtifactError
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities, representations
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.scores import score_states
from sqlscore.scoring.states import States

_START, _HOUR = 1_704_067_200_000_000, 3_600_000_000
_HEADS = {"next_action", "time_to_next", "churn"}
_NEAR = 1e-3


def probe(artifact: Artifact) -> None:
    """Score two users by the artifact. Raises ArtifactError if that fails, or if a number cannot be one."""
    try:
        wrong = _wrong(artifact)
    except Exception as error:  # the module is foreign code: it may raise anything
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ArtifactError(f"the model cannot score a probe: {lines[-1]}") from error
    if wrong is not None:
        raise ArtifactError(f"the model scores a probe wrongly: {wrong}")


def _wrong(artifact: Artifact) -> str | None:
    events = _events(artifact)
    states = artifact.encode(events)
    return (
        _wrong_manifest(artifact.manifest)
        or _wrong_states(artifact, events, states)
        or _wrong_scores(artifact, events, states)
        or _wrong_advance(artifact, events, states)
    )


def _wrong_manifest(manifest: Manifest) -> str | None:
    """What no manifest can say."""
    actions = manifest.inputs.actions
    if not actions or len(set(actions)) != len(actions):
        return "its actions are empty, or not distinct"
    if not set(manifest.heads) <= _HEADS or "next_action" not in manifest.heads:
        return f"its heads are {', '.join(manifest.heads) or 'none'}"
    if "churn" in manifest.heads and not (manifest.horizon_seconds or 0) > 0:
        return "it predicts churn without a horizon"
    if not isinstance(manifest.notes, dict) or not isinstance(manifest.metrics, dict):
        return "its notes or metrics are no tables"
    for text in (manifest.trained_from, manifest.trained_to):
        np.datetime64(text.removesuffix("Z"), "us")  # raises ValueError
    return None


def _wrong_states(artifact: Artifact, events: Sequences, states: States) -> str | None:
    """Where sizes are not those of the manifest, or the clock not that of the events."""
    manifest = artifact.manifest
    sizes = {
        "state": (tuple(states.hidden.shape), (2, manifest.state_size)),
        "representation": (tuple(representations(artifact, states.hidden).shape), (2, manifest.embedding_size)),
        "list of actions": (
            tuple(action_probabilities(artifact, states.hidden).shape),
            (2, len(manifest.inputs.actions)),
        ),
    }
    for what, (actual, expected) in sizes.items():
        if actual != expected:
            return f"its {what} has {actual[-1]} numbers, the manifest says {expected[-1]}"
    if int(states.clock[0, 1]) != int(events.times[2]):
        return "its state does not hold the time of the last event"
    return None


def _wrong_scores(artifact: Artifact, events: Sequences, states: States) -> str | None:
    """An hour after the last event."""
    scores = score_states(artifact, states, np.full(2, events.times.max() + _HOUR, np.int64)).flatten()
    for column in scores:
        if pa.types.is_floating(column.type):
            values = column.drop_null().to_numpy(zero_copy_only=False)
            if not np.isfinite(values).all() or (values < 0).any():
                return "a score is negative, or no number"
    return None


def _wrong_advance(artifact: Artifact, events: Sequences, states: States) -> str | None:
    """Whether a model that says it advances states does."""
    if not artifact.manifest.fold:
        return None
    first, rest = (Sequences(*_cut(events, part)) for part in (slice(0, 2), slice(2, 3)))
    advanced = artifact.encode(rest, artifact.encode(first))
    if not np.allclose(advanced.hidden, states.hidden[:1], rtol=_NEAR, atol=_NEAR):
        return "a state advanced by new events differs from one of all events"
    return None


def _events(artifact: Artifact) -> Sequences:
    """Three events of one user, one of another."""
    inputs = artifact.manifest.inputs
    actions = inputs.actions or ("",)
    features: dict[str, pa.Array] = {
        **{name: pa.array([*([values[0] if values else None] * 3), None], pa.string())
           for name, values in inputs.categorical.items()},
        **{name: pa.array([1.0, 2.0, 3.0, math.nan]) for name in inputs.numeric},
    }  # fmt: skip
    times = _START + _HOUR * np.array([0, 1, 30, 2], np.int64)
    return Sequences(pa.array([actions[0], actions[-1], actions[0], actions[-1]]), times, np.array([0, 3, 4]), features)


def _cut(events: Sequences, part: slice) -> tuple[pa.Array, np.ndarray, np.ndarray, dict[str, pa.Array]]:
    size = part.stop - part.start
    columns = {name: column[part] for name, column in events.features.items()}
    return events.actions[part], events.times[part], np.array([0, size]), columns
