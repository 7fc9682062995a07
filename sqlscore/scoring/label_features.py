"""What a fine-tuned head reads of a user: the base model's state and what its heads say of it, as of a moment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import (
    action_probabilities,
    churn_risk,
    churn_summary,
    representations,
    seconds_to_next_event,
)
from sqlscore.scoring.states import States

Table = npt.NDArray[np.float32]

WIDEST = 512
"""Columns of a state, a representation or a vocabulary above which that part is left out: too many to learn."""
_LEAST = 1e-6
_FADED = 1e-3  # of an event: less of one is none, in logs


def label_features(artifact: Artifact, states: States, as_of: Ints) -> Table:
    """The columns that a head reads; they depend on the base model and on nothing else of the file.

    New kinds of columns come last: a head that was learned before reads those that it knows.

    Args:
        artifact: the base model.
        states: N states of users, with times.
        as_of: int64 (N,), µs: the moment of each.

    Returns:
        float32 (N, P).
    """
    columns = [column.astype(np.float32) for _, column in _blocks(artifact, states, as_of)]
    finite: Table = np.nan_to_num(np.concatenate(columns, axis=1), posinf=0.0, neginf=0.0)
    return finite


def plain_columns(artifact: Artifact) -> Ints:
    """Which of those columns say something by themselves: counts, times and what the model's heads answer.

    The others are what an encoder made of the events: each says little, and it takes many labels to learn which do.
    """
    nobody = States(
        np.zeros((0, artifact.manifest.state_size), np.float32),
        np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64),
    )  # fmt: skip
    plain = [np.full(block.shape[1], is_plain) for is_plain, block in _blocks(artifact, nobody, np.zeros(0, np.int64))]
    return np.flatnonzero(np.concatenate(plain))


def _blocks(artifact: Artifact, states: States, as_of: Ints) -> Iterator[tuple[bool, npt.NDArray[np.floating]]]:
    """(whether its columns are plain, (N, .. of P))."""
    hidden, manifest = states.hidden, artifact.manifest
    yield True, _when(states, as_of)
    if hidden.shape[1] <= WIDEST:
        logs = np.sign(hidden) * np.log1p(np.abs(hidden))
        encoded = _encoded(artifact)
        yield False, logs[:, :encoded]
        yield True, logs[:, encoded:]
    if manifest.embedding_size <= WIDEST:
        yield artifact.counts is not None, representations(artifact, hidden)
    if "next_action" in manifest.heads and len(manifest.inputs.actions) <= WIDEST:
        yield True, np.log(np.maximum(action_probabilities(artifact, hidden), _LEAST))
    if "time_to_next" in manifest.heads:
        expected = np.log1p(np.maximum(seconds_to_next_event(artifact, hidden), 0.0))
        silence = np.log1p(_seconds(as_of - states.clock[:, 1]))
        yield True, np.stack([expected, silence - expected], axis=1)
    if "churn" in manifest.heads:
        risk = np.clip(churn_risk(artifact, hidden, states.clock, as_of).astype(np.float64), _LEAST, 1 - _LEAST)
        yield True, np.log(risk / (1 - risk))[:, None]
    if "churn_summary" in manifest.capabilities and manifest.config.get("decay_seconds"):
        yield True, _recent(artifact, states, as_of)


def _encoded(artifact: Artifact) -> int:
    """How many numbers of a state are the encoder's; behind them are running summaries and the last actions."""
    if artifact.counts is not None:
        return 0
    size = getattr(artifact.module, "size", None)
    return size if isinstance(size, int) else artifact.manifest.state_size


def _when(states: States, as_of: Ints) -> Floats:
    """(N, 5): silence, age and pace of the user, and how many events there are."""
    silence, age = _seconds(as_of - states.clock[:, 1]), _seconds(as_of - states.clock[:, 0])
    n = np.maximum(states.n_events, 1).astype(np.float64)
    pace = age / n
    return np.stack(
        [np.log1p(silence), np.log1p(age), np.log1p(n), silence / (age + 1.0), np.log1p(silence) - np.log1p(pace)],
        axis=1,
    )


def _recent(artifact: Artifact, states: States, as_of: Ints) -> Floats:
    """(N, 4 + 2D): the silence against the user's own rhythm, and decayed counts of events and visits by now.

    A state has these counts as of its last event; how they faded since is a product, which no weight of a column makes.
    The first 4 + 2D columns of a churn summary are visits, mean and last log gap between them, seconds from the first
    event to the last, and the decayed counts.
    """
    decay = np.asarray(artifact.manifest.config["decay_seconds"], np.float64)  # (D,)
    rhythm = churn_summary(artifact, states.hidden)[:, : 4 + 2 * len(decay)].astype(np.float64)
    visits, gap, last_gap, tenure = rhythm[:, :4].T
    since = _seconds(as_of - states.clock[:, 1])
    again = visits > 1
    missed = since * np.maximum(visits - 1, 0.0) / np.maximum(tenure + since, 1.0)
    facts = [
        np.log1p(missed),
        np.exp(-missed),
        again * (np.log1p(since) - gap),
        again * (np.log1p(since) - last_gap),
    ]
    fade = np.exp(-since[:, None] / decay)  # (N, D)
    return np.concatenate([np.stack(facts, axis=1), np.log(rhythm[:, 4:] * np.tile(fade, 2) + _FADED)], axis=1)


def _seconds(microseconds: Ints) -> Floats:
    return np.maximum(microseconds.astype(np.float64), 0.0) / US_PER_SECOND
