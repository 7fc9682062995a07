"""Events as vectors in a graph: the equations of `models.inputs.embedding`, for events that all have a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sqlscore.models.onnx.arithmetic import array, double, ints, single
from sqlscore.models.onnx.given import User, after_first, before_each
from sqlscore.models.onnx.graph import Graph
from sqlscore.scoring.manifest import Manifest


def rows_of_all(g: Graph, embedding: Any) -> str:
    """(R + U, E): the rows whose sums are events, those of U actions that the model has never seen last."""
    values = g.input("novel_values", np.int64, ["grams"])
    offsets = g.input("novel_offsets", np.int64, ["novel_and_one"])
    weight = array(embedding.ngram.weight)
    running = g("CumSum", g.cast(g("Gather", weight, values), np.float64), np.array(0))
    running = g("Concat", np.zeros((1, weight.shape[1])), running, axis=0)
    ends, starts = after_first(g, offsets), before_each(g, offsets)
    sums = g("Sub", g("Gather", running, ends), g("Gather", running, starts))
    sizes = g("Unsqueeze", g.cast(g("Sub", ends, starts), np.float64), ints(1))
    novel = g.cast(g("Div", sums, g("Max", sizes, double(1))), np.float32)
    return g("Concat", array(embedding.frozen), novel, axis=0)


def gaps_of(g: Graph, user: User) -> str:
    """float64 (T,): seconds since the event before, 0 for the first."""
    since = g("Div", g("Sub", after_first(g, user.at), before_each(g, user.at)), double(1e6))
    return g("Concat", np.zeros(1), g("Max", since, double(0)), axis=0)


def standardised(g: Graph, embedding: Any, numbers: str) -> str:
    """(T, F) -> (T, 2F), as `EventEmbedding.standardise`."""
    missing = g("Or", g("IsNaN", numbers), g("IsInf", numbers))
    size = g("Log", g("Add", g("Div", g("Abs", numbers), array(embedding.scale)), single(1)))
    values = g("Div", g("Sub", g("Mul", g("Sign", numbers), size), array(embedding.mean)), array(embedding.spread))
    values = g("Where", missing, single(0), g("Clip", values, single(-8), single(8)))
    return g("Concat", values, g.cast(missing, np.float32), axis=1)


def vectors(g: Graph, model: Any, manifest: Manifest, user: User, table: str, gaps: str, numbers: str) -> str:
    """The events as an encoder reads them.

    Args:
        g: The graph of the user.
        model: The module.
        manifest: What it says of itself.
        user: The events.
        table: What `rows_of_all` returned.
        gaps: What `gaps_of` returned.
        numbers: What `standardised` returned.

    Returns:
        (T, E).
    """
    embedding = model.embedding
    x = g("ReduceSum", g("Gather", table, _rows(g, embedding, user, gaps)), ints(1), keepdims=0)
    return g("Add", x, g("MatMul", numbers, array(embedding.numeric))) if manifest.inputs.numeric else x


def _rows(g: Graph, embedding: Any, user: User, gaps: str) -> str:
    """int64 (T, K), as `EventEmbedding.rows_of`."""
    known = embedding.known
    octaves = g("Mul", g("Log", g("Clip", gaps, double(2.0**-10), double(2.0**44))), double(2 / math.log(2)))
    octaves = g.cast(g("Floor", g("Add", octaves, double(1e-9))), np.int64)
    is_first = g("Equal", user.index, np.array(0))
    gap = g("Add", g("Where", is_first, np.array(1), g("Add", octaves, np.array(22))), np.array(known + 1))
    hour = np.array(3_600_000_000)
    hours = g("Div", g("Sub", user.times, g("Mod", user.times, hour)), hour)
    hours = g("Mod", g("Add", hours, np.array(72)), np.array(168))
    hours = g("Add", hours, np.array(known + 1 + embedding.gap.num_embeddings))
    is_novel = g("Greater", user.codes, np.array(known))
    action = g("Where", is_novel, g("Add", user.codes, np.array(embedding.rows - known - 1)), user.codes)
    others = g("Add", after_first(g, user.categories, axis=1), array(embedding.category_starts))
    return g("Concat", *(g("Unsqueeze", each, ints(1)) for each in (gap, hours, action)), others, axis=1)
