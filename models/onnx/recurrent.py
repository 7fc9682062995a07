"""The encoders that read events one after the other, as nodes of a graph: (T, E) -> (1, H), what the heads read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.models.onnx.arithmetic import array, gelu, ints, linear, newest
from sqlscore.models.onnx.given import User, reversed_rows
from sqlscore.models.onnx.graph import Graph


def gru(g: Graph, encoder: Any, x: str, user: User) -> str:  # noqa: ARG001 - all encoders are called alike
    """The last state of a `GRU`."""
    return newest(g, states_of_gru(g, encoder, x))


def states_of_gru(g: Graph, encoder: Any, x: str) -> str:
    """(T, E) -> (T, H): all states.

    ONNX has the gates in the order z, r, h, and applies r before the product unless it is told otherwise.
    """
    unit = encoder.gru
    weights = _weights(unit, (1, 0, 2))
    states = g.last_of(
        "GRU", 1, g("Unsqueeze", x, ints(1)), *weights, hidden_size=unit.hidden_size, linear_before_reset=1
    )
    return g("Reshape", states, ints(-1, unit.hidden_size))


def lstm(g: Graph, encoder: Any, x: str, user: User) -> str:  # noqa: ARG001
    """The last h of an `LSTM`; ONNX has the gates in the order i, o, f, c."""
    unit = encoder.lstm
    states = g.last_of(
        "LSTM", 1, g("Unsqueeze", x, ints(1)), *_weights(unit, (0, 3, 1, 2)), hidden_size=unit.hidden_size
    )
    return newest(g, g("Reshape", states, ints(-1, unit.hidden_size)))


def mingru(g: Graph, encoder: Any, x: str, user: User) -> str:  # noqa: ARG001
    """[h of the last layer | .. | h of the first] of a `MinGRU`."""
    last: list[str] = []
    for keep, candidate in zip(encoder.keep, encoder.candidate, strict=True):
        kept = g("Sigmoid", linear(g, x, keep))
        added = g("Mul", g("Sub", np.ones(1, np.float32), kept), linear(g, x, candidate))
        x = g.recurrence(kept, added, encoder.hidden)
        last.insert(0, newest(g, x))
    return g("Concat", *last, axis=1)


def recent_window(g: Graph, encoder: Any, x: str, user: User) -> str:  # noqa: ARG001
    """The h of a `RecentWindow`: its last events, newest first, zeros if there are fewer."""
    wide = encoder.embedding
    padded = g("Concat", np.zeros((encoder.events, wide), np.float32), x, axis=0)
    recent = reversed_rows(g, g("Slice", padded, ints(-encoder.events), ints(2**63 - 1), ints(0)))
    recent = g("Reshape", recent, ints(1, encoder.events * wide))
    return gelu(g, linear(g, gelu(g, linear(g, recent, encoder.one)), encoder.two))


def cnn_bigru(g: Graph, encoder: Any, x: str, user: User) -> str:
    """[forwards | backwards] of a `CNNBiGRU`."""
    y = gelu(g, linear(g, _with_those_before(g, x, encoder.kernel, user), encoder.one))
    y = gelu(g, linear(g, _with_those_before(g, y, encoder.kernel, user), encoder.two))
    ahead = newest(g, states_of_gru(g, encoder.forwards, y))
    return g("Concat", ahead, newest(g, states_of_gru(g, encoder.backwards, reversed_rows(g, y))), axis=1)


def _with_those_before(g: Graph, x: str, kernel: int, user: User) -> str:
    """(T, E) -> (T, k E): [x_t | x_{t-1} | ..], zeros before the first."""
    zeros = g("Mul", g("Slice", x, ints(0), ints(1), ints(0)), np.zeros(1, np.float32))  # (1, E)
    padded = g("Concat", *([zeros] * (kernel - 1)), x, axis=0)  # (k - 1 + T, E)
    starts = range(kernel - 1, -1, -1)
    shifted = (g("Slice", padded, ints(at), g("Add", user.size, ints(at)), ints(0)) for at in starts)
    return g("Concat", *shifted, axis=1)


def _weights(unit: Any, order: tuple[int, ...]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """W, R and B of a unit of torch, its gates in another order."""

    def gates(name: str) -> npt.NDArray[Any]:
        parts = np.split(array(getattr(unit, name)), len(order))
        return np.concatenate([parts[at] for at in order])[None]

    bias = np.concatenate([gates("bias_ih_l0"), gates("bias_hh_l0")], axis=1)
    return gates("weight_ih_l0"), gates("weight_hh_l0"), bias
