"""Heads that say what comes next: actions with probabilities, and when."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch

from sqlscore.artifact import Artifact, without_times
from sqlscore.errors import EventsError, ModelError
from sqlscore.udfs.arguments import Column, one_array, whole_number
from sqlscore.udfs.catalog import Catalog
from sqlscore.udfs.states import by_model, float_lists, scatter
from sqlscore.udfs.types import ACTIONS_ARROW
from sqlscore.user_states import States

_NARROW = 48
"""Columns up to which it pays to go through them whole; at most 127, as an int8 numbers them."""
_FEW, _FEW_OF = 5, 16  # up to so many, or that part of all, each one's own search costs less than sorting all


def next_action(catalog: Catalog, state: Column) -> pa.Array:
    """State -> VARCHAR, the most likely next action."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        pieces.append((rows, most_likely(artifact, states)))
    return scatter(pieces, len(state), pa.string())


def next_actions(catalog: Catalog, state: Column, k: Column) -> pa.Array:
    """(state, k) -> the k most likely next actions, best first."""
    limit = whole_number(k, "k", default=3, most=2**31 - 1)
    pieces = [(rows, top_actions(artifact, states, limit)) for rows, artifact, states in by_model(state, catalog)]
    return scatter(pieces, len(state), ACTIONS_ARROW)


def action_probability(catalog: Catalog, state: Column, action: Column) -> pa.Array:
    """(state, action) -> FLOAT, the probability that the next action is that one; NULL where action is NULL."""
    asked = one_array(action)
    if not pa.types.is_string(asked.type):
        asked = asked.cast(pa.string())
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("next_action")
        codes = action_codes(artifact, asked.take(rows))
        probabilities = artifact.probabilities(states.hidden).numpy()
        columns = codes.fill_null(0).to_numpy().astype(np.int64)
        values = probabilities[np.arange(len(columns)), columns]
        missing = codes.is_null().to_numpy(zero_copy_only=False)
        pieces.append((rows, pa.array(values, pa.float32(), mask=missing)))
    return scatter(pieces, len(state), pa.float32())


def action_codes(artifact: Artifact, asked: pa.Array) -> pa.Array:
    """(N,) actions -> where each stands among the model's, NULL for NULL. Raises EventsError for one it never saw."""
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


def seconds_to_next(catalog: Catalog, state: Column) -> pa.Array:
    """State -> DOUBLE, the predicted median of the seconds from the last event to the next."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("time_to_next")
        if bool(without_times(states.clock).any()):
            raise EventsError(
                "a plain list of actions has no times, so there are no seconds to the next action: "
                "pass structs that hold the event time"
            )
        pieces.append((rows, pa.array(artifact.seconds(states.hidden).numpy())))
    return scatter(pieces, len(state), pa.float64())


def embedding(catalog: Catalog, state: Column) -> pa.Array:
    """State -> FLOAT[], the user's representation."""
    pieces = [(rows, float_lists(artifact.embed(states.hidden))) for rows, artifact, states in by_model(state, catalog)]
    return scatter(pieces, len(state), pa.list_(pa.float32()))


def most_likely(artifact: Artifact, states: States) -> pa.Array:
    """(N,) actions."""
    artifact.require("next_action")
    _, index = largest(artifact.probabilities(states.hidden).numpy(), 1)
    return action_names(artifact).take(pa.array(index[:, 0]))


def top_actions(artifact: Artifact, states: States, k: int) -> pa.ListArray:
    """(N,) lists of the k most likely actions; of equally likely ones the more frequent in training comes first."""
    artifact.require("next_action")
    return ranked_actions(artifact, artifact.probabilities(states.hidden), k)


def ranked_actions(artifact: Artifact, probabilities: torch.Tensor, k: int) -> pa.ListArray:
    """(N, V) probabilities -> as `top_actions`."""
    best, index = largest(probabilities.numpy(), min(k, probabilities.shape[1]))
    values = pa.StructArray.from_arrays(
        [action_names(artifact).take(pa.array(index.reshape(-1))), pa.array(best.reshape(-1))],
        fields=list(ACTIONS_ARROW.value_type),
    )
    offsets = pa.array(np.arange(len(best) + 1, dtype=np.int32) * best.shape[1])
    return pa.ListArray.from_arrays(offsets, values)


def largest(values: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """(N, V) not negative -> (N, k) largest values, and their columns; of equal ones the first column comes first."""
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
def _names(actions: tuple[str, ...]) -> pa.Array:
    return pa.array(actions, pa.string())


def action_names(artifact: Artifact) -> pa.Array:
    """(V,) the model's actions, in the order of its probabilities."""
    return _names(artifact.manifest.inputs.actions)
