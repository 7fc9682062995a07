"""Ranks actions by their probabilities."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, texts_of
from sqlscore.errors import EventsError, ModelError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.sql_types import ACTIONS_ARROW
from sqlscore.scoring.states import States

_NARROW = 48
"""Up to this many actions the column-wise search is faster; must stay below 128 (int8 ranks)."""
_FEW, _FEW_OF = 5, 16  # up to so many, or that part of all, each one's own search costs less than sorting all


def action_codes(artifact: Artifact, asked: pa.Array) -> pa.Array:
    """The number of each action among the model's.

    Args:
        artifact: the model.
        asked: (N,) actions.

    Returns:
        (N,), from 0; NULL for NULL.

    Raises:
        EventsError: if the model does not know an action.
    """
    codes = pc.index_in(asked, value_set=action_names(artifact))
    if codes.null_count > asked.null_count:
        unknown = asked.filter(pc.and_(pc.is_null(codes), pc.is_valid(asked)))[0].as_py()
        names = artifact.manifest.inputs.actions
        raise EventsError(
            f"model {artifact.name} has never seen action {unknown!r}, so it has no probability for it "
            f"(it knows {', '.join(map(repr, names[:20]))}{', …' if len(names) > 20 else ''}): "
            "name one of these, or train a model on events that hold it"
        )
    return codes


def predicted_actions(artifact: Artifact, states: States) -> pa.Array:
    """(N,) actions: see `decided`."""
    artifact.require("next_action")
    chosen = decided(artifact, action_probabilities(artifact, states.hidden))
    return action_names(artifact).take(column_of(chosen))


def decided(artifact: Artifact, probabilities: npt.NDArray[np.float32]) -> Ints:
    """(N, V) probabilities -> (N,) the number of the action that is predicted.

    It is the most likely one, unless the model was trained to find rare actions: then probabilities are multiplied
    with its weights first.
    """
    weights = _decision_weights(artifact.manifest.decision_weights)
    return largest(probabilities if weights is None else probabilities * weights, 1)[1][:, 0]


def top_actions(artifact: Artifact, states: States, k: int) -> pa.ListArray:
    """(N,) ACTIONS_ARROW, the k most likely; of equally likely ones the more frequent in training comes first."""
    artifact.require("next_action")
    return ranked_actions(artifact, action_probabilities(artifact, states.hidden), k)


def ranked_actions(artifact: Artifact, probabilities: npt.NDArray[np.float32], k: int) -> pa.ListArray:
    """(N, V) probabilities -> as `top_actions`."""
    best, index = largest(probabilities, min(k, probabilities.shape[1]))
    values = pa.StructArray.from_arrays(
        [action_names(artifact).take(column_of(index.reshape(-1))), column_of(best.reshape(-1))],
        fields=list(ACTIONS_ARROW.value_type),
    )
    offsets = column_of(np.arange(len(best) + 1, dtype=np.int32) * best.shape[1])
    return pa.ListArray.from_arrays(offsets, values)


def largest(values: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The largest values of each row, largest first; of equal ones the first column comes first.

    Args:
        values: (N, V), not negative.
        k: at most V.

    Returns:
        (N, k) values and int64 (N, k) columns.

    Raises:
        ModelError: if a value is NaN.
    """
    if np.isnan(values).any():
        raise ModelError("this model gives no probabilities (NaN), so nothing is the most likely: train it again")
    if k > max(_FEW, values.shape[1] // _FEW_OF):
        index = np.argsort(-values, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(values, index, 1), index
    if values.shape[1] <= _NARROW:
        return _largest_by_column(values, k)
    left, rows = np.array(values, order="C"), np.arange(len(values))
    best, index = np.empty((len(values), k), np.float32), np.empty((len(values), k), np.int64)
    for i in range(k):
        index[:, i] = at = left.argmax(axis=1)
        best[:, i] = left[rows, at]
        left[rows, at] = -1.0
    return best, index


def _largest_by_column(
    values: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """As `largest`, by operations on whole columns, of which there are at most _NARROW: a quarter of the cost."""
    left, rows = np.array(values.T, order="C"), np.arange(len(values))  # (V, N)
    rank = np.arange(-len(left), 0, dtype=np.int8)[:, None]  # (V, 1), below 0, the first column's is the least
    best, index = np.empty((k, len(values)), np.float32), np.empty((k, len(values)), np.int64)
    for i in range(k):
        left.max(axis=0, out=best[i])
        is_best = (left == best[i]).view(np.int8)
        np.add(np.multiply(is_best, rank, out=is_best).min(axis=0), len(left), out=index[i], dtype=np.int64)
        left[index[i], rows] = -1.0
    return np.ascontiguousarray(best.T), np.ascontiguousarray(index.T)


@lru_cache(maxsize=64)
def _decision_weights(weights: tuple[float, ...] | None) -> npt.NDArray[np.float32] | None:
    return None if weights is None else np.array(weights, np.float32)


@lru_cache(maxsize=64)
def _names(actions: tuple[str, ...]) -> pa.Array:
    return texts_of(actions)


def action_names(artifact: Artifact) -> pa.Array:
    """(V,) the model's actions, in the order of its probabilities."""
    return _names(artifact.manifest.inputs.actions)
