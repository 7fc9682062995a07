"""A graph of ONNX that is written node by node: an operation is a call, and returns the name of its result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.errors import ModelError
from sqlscore.extras import optional

OPSET, IR = 17, 8
"""Of 2022: what runtimes of the last years read."""

Value = str | npt.NDArray[Any]
"""The name of a result or of an input, or an array that becomes a constant."""


class Graph:
    """Collects operations and constants. Raises ModelError if the library onnx is not installed."""

    def __init__(self) -> None:
        """An empty graph."""
        self._onnx = optional("onnx", "--format onnx needs onnx", extra="onnx", error=ModelError)
        self._helper = optional("onnx.helper", "--format onnx needs onnx", extra="onnx", error=ModelError)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._made = 0

    def input(self, name: str, kind: type[np.generic], shape: list[str | int]) -> str:
        """Declare an input; text in its shape names a size that may be any."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._type(kind), shape))
        return name

    def output(self, name: str, value: str, kind: type[np.generic], shape: list[str | int]) -> None:
        """Give a result out under a name."""
        self._nodes.append(self._helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._helper.make_tensor_value_info(name, self._type(kind), shape))

    def __call__(self, operation: str, *inputs: Value, **attributes: Any) -> str:
        """An operation of ONNX with one result."""
        return self.last_of(operation, 1, *inputs, **attributes)

    def last_of(self, operation: str, results: int, *inputs: Value, **attributes: Any) -> str:
        """The last result of an operation that has several."""
        names = [self._new() for _ in range(results)]
        given = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(self._helper.make_node(operation, given, names, **attributes))
        return names[-1]

    def cast(self, value: Value, kind: type[np.generic]) -> str:
        """The value in another type."""
        return self("Cast", value, to=self._type(kind))

    def to_bytes(self, name: str, texts: dict[str, str]) -> bytes:
        """The graph as a file, with texts beside it as its metadata."""
        graph = self._helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        opsets = [self._helper.make_opsetid("", OPSET)]
        model = self._helper.make_model(graph, producer_name="sqlscore", opset_imports=opsets, ir_version=IR)
        self._helper.set_model_props(model, texts)
        self._onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _constant(self, array: npt.NDArray[Any]) -> str:
        name = self._new()
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def _new(self) -> str:
        self._made += 1
        return f"v{self._made}"

    def _type(self, kind: type[np.generic]) -> int:
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
