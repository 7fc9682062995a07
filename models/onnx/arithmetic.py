"""Layers of torch and arithmetic of more than one operation, as nodes of a graph; and constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.models.onnx.graph import Graph, Value

LEAST, MOST = -(2**63), 2**63 - 1
"""Where a slice begins and ends that is not cut there."""


def linear(g: Graph, x: str, layer: Any) -> str:
    """(.., E) -> (.., A): an `nn.Linear`."""
    product = g("MatMul", x, array(layer.weight).T)
    return product if layer.bias is None else g("Add", product, array(layer.bias))


def gelu(g: Graph, x: str) -> str:
    """The exact one: x (1 + erf(x / sqrt 2)) / 2."""
    erf = g("Erf", g("Mul", x, single(math.sqrt(0.5))))
    return g("Mul", g("Mul", x, g("Add", erf, single(1))), single(0.5))


def log1p(g: Graph, x: Value) -> str:
    """log(1 + x), of doubles."""
    return g("Log", g("Add", x, double(1)))


def total(g: Graph, x: Value) -> str:
    """Over the first axis; a vector becomes one number, (1,)."""
    return g("Reshape", g("ReduceSum", x, ints(0), keepdims=0), ints(-1))


def newest(g: Graph, x: Value) -> str:
    """(T, ..) -> (1, ..): the last row."""
    return g("Slice", x, ints(-1), ints(MOST), ints(0))


def array(tensor: Any) -> npt.NDArray[Any]:
    """A tensor as a constant."""
    return np.asarray(tensor.detach().cpu().numpy())


def ints(*values: int) -> npt.NDArray[np.int64]:
    """Int64 (n,)."""
    return np.array(values, np.int64)


def single(value: float) -> npt.NDArray[np.float32]:
    """float32 ()."""
    return np.array(value, np.float32)


def double(value: float) -> npt.NDArray[np.float64]:
    """float64 ()."""
    return np.array(value, np.float64)
