"""The encoders that look back at all events at once, as nodes of a graph: (T, E) -> (1, H)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sqlscore.models.onnx.arithmetic import array, double, gelu, ints, linear, log1p, newest, single
from sqlscore.models.onnx.given import User
from sqlscore.models.onnx.graph import Graph, Value
from sqlscore.models.onnx.recurrent import states_of_gru


def transformer(g: Graph, encoder: Any, x: str, user: User) -> str:
    """The last state of a `Transformer`."""
    y = linear(g, x, encoder.into)  # (T, D)
    gaps = g("Max", g("Div", _differences(g, user.at), double(1e6)), double(0))
    gaps = g.cast(log1p(g, gaps), np.float32)  # (T, T): from each event back to each other one
    steps = g.cast(user.index, np.float64)
    between = _differences(g, steps)
    ranks = g.cast(log1p(g, g("Max", between, double(0))), np.float32)  # (T, T)
    masked = g("Where", g("Less", between, double(0)), single(-math.inf), single(0))  # (T, T): not of later events
    layers = [*encoder.layers, encoder.last]
    for at, layer in enumerate(layers):
        by_time, by_rank = (array(slopes[at])[:, None, None] for slopes in (encoder.by_time, encoder.by_rank))
        bias = g("Sub", g("Sub", masked, g("Mul", by_time, gaps)), g("Mul", by_rank, ranks))  # (h, T, T)
        is_last = at == len(layers) - 1
        bias = g("Slice", bias, ints(-1), ints(2**63 - 1), ints(1)) if is_last else bias
        y = _layer(g, layer, y, newest(g, y) if is_last else y, bias)
    return _normed(g, encoder.norm, y)


def attention_rnn(g: Graph, encoder: Any, x: str, user: User) -> str:  # noqa: ARG001 - all encoders are called alike
    """The last state of an `AttentionRNN`."""
    h = states_of_gru(g, encoder.gru, x)  # (T, H)
    own = newest(g, h)
    asking: Value = linear(g, own, encoder.query) if encoder.asked else array(encoder.asking)[0]
    keys = g("Tanh", linear(g, h, encoder.key))
    pooled = _attended(g, (asking, keys, linear(g, h, encoder.value)), encoder.heads, encoder.size, None)
    return g("Tanh", linear(g, g("Concat", pooled, own, axis=1), encoder.join))


def _layer(g: Graph, layer: Any, x: str, of: str, bias: str) -> str:
    """x (T, D), the events; of (Q, D), those that ask; bias (h, Q, T) -> (Q, D)."""
    keys, values = g.all_of("Split", 2, linear(g, _normed(g, layer.before, x), layer.key_value), axis=1)
    queries = linear(g, _normed(g, layer.before, of), layer.query)
    attended = _attended(g, (queries, keys, values), layer.heads, layer.query.out_features, bias)
    y = g("Add", of, linear(g, attended, layer.out))
    up = gelu(g, linear(g, _normed(g, layer.between, y), layer.up))
    return g("Add", y, linear(g, up, layer.down))


def _attended(g: Graph, asked: tuple[Value, str, str], heads: int, size: int, bias: str | None) -> str:
    """Queries (Q, D), keys and values (T, D), bias (h, Q, T) -> (Q, D), as `attention.attend`."""
    q, k, v = (
        g("Transpose", g("Reshape", each, ints(-1, heads, size // heads)), perm=[1, 0, 2]) for each in asked
    )  # (h, .., d)
    across = g("Transpose", k, perm=[0, 2, 1])  # (h, d, T)
    scores = g("Mul", g("MatMul", q, across), single(1 / math.sqrt(size // heads)))  # (h, Q, T)
    scores = scores if bias is None else g("Add", scores, bias)
    mixed = g("MatMul", g("Softmax", scores, axis=2), v)  # (h, Q, d)
    return g("Reshape", g("Transpose", mixed, perm=[1, 0, 2]), ints(-1, size))


def _normed(g: Graph, norm: Any, x: str) -> str:
    return g("LayerNormalization", x, array(norm.weight), array(norm.bias), axis=-1, epsilon=norm.eps)


def _differences(g: Graph, at: str) -> str:
    """(T,) -> (T, T): of each number and each other one."""
    return g("Sub", g("Unsqueeze", at, ints(1)), g("Unsqueeze", at, ints(0)))
