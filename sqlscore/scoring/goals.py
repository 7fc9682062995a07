"""How likely an action is to occur within the next n steps, over all the ways that lead there."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Floats, Ints
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.ranking import action_names
from sqlscore.scoring.rollout import advance, one_event, predicted_times
from sqlscore.scoring.states import States

PATHS = 64
"""Paths that are followed from each state."""

_SEED = 20_250_611
_ROWS = 2_048
_EVENTS = 1 << 18


def occurs_within(artifact: Artifact, sequences: Sequences, states: States, goal: int, steps: int) -> Floats:
    """The probability that an action is among the next few.

    1 - the mean over PATHS paths of prod_t (1 - p_t(goal)): at every step the goal's probability is counted in full,
    and the path goes on by drawing one of the other actions. The draws are a Latin hypercube (McKay, Beckman & Conover
    1979, Technometrics 21(2)), the same for every state, so that the same events give the same answer and a difference
    between two states is not one of luck. Predicted events come at their predicted time and have no features.

    Args:
        artifact: the model.
        sequences: N sequences; those of a fold give their columns alone.
        states: the N states after them.
        goal: the number of the action in `inputs.actions`.
        steps: how many actions ahead.

    Returns:
        (N,) probabilities.
    """
    longest = 1 if artifact.manifest.fold else int(sequences.lengths.max(initial=1)) + steps
    size = max(1, min(_ROWS, _EVENTS // longest) // PATHS)
    probabilities = np.empty(len(states))
    for start in range(0, len(states), size):
        rows = np.arange(start, min(start + size, len(states)))
        chosen = sequences_to_extend(artifact, sequences, rows)
        probabilities[rows] = _occurs_within(artifact, chosen, states.take(rows), goal, steps)
    return probabilities


def _occurs_within(artifact: Artifact, sequences: Sequences, states: States, goal: int, steps: int) -> Floats:
    names, draws = action_names(artifact), _draws(steps)
    size = len(states)
    probabilities = action_probabilities(artifact, states.hidden).astype(np.float64)
    missed = np.repeat(1 - probabilities[:, goal], PATHS)  # (N * PATHS,)
    rows = np.repeat(np.arange(size), PATHS)
    sequences, states = sequences_to_extend(artifact, sequences, rows), states.take(rows)
    probabilities = probabilities[rows]
    for step in range(1, steps):
        probabilities[:, goal] = 0.0
        others = probabilities.cumsum(axis=1)
        drawn = np.tile(draws[step - 1], size) * others[:, -1]
        action = (others <= drawn[:, None]).sum(1).clip(max=len(names) - 1)
        event = one_event(sequences, names.take(pa.array(action)), predicted_times(artifact, states))
        sequences, states = advance(artifact, sequences, states, event)
        probabilities = action_probabilities(artifact, states.hidden).astype(np.float64)
        missed *= 1 - probabilities[:, goal]
    return np.asarray(1 - missed.reshape(size, PATHS).mean(1))


def sequences_to_extend(artifact: Artifact, sequences: Sequences, rows: Ints) -> Sequences:
    """The sequences of these rows, as `advance` takes them: none for a fold, which continues from states alone."""
    return sequences.select(rows[:0] if artifact.manifest.fold else rows)


@lru_cache(maxsize=16)
def _draws(steps: int) -> Floats:
    """(steps, PATHS) in (0, 1): at every step one in each PATHS-th, in the first in order."""
    random = np.random.default_rng(_SEED)
    ranks = [np.arange(PATHS), *(random.permutation(PATHS) for _ in range(steps - 1))]
    return (np.stack(ranks) + 0.5) / PATHS
