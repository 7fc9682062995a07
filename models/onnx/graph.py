"""A graph of ONNX that is written node by node: an operation is a call, and returns the name of its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sqlscore.errors import ModelError
from sqlscore.extras import optional

OPSET, IR = 17, 8
"""Of 2022: what runtimes of the last years read."""

Value = str | npt.NDArray[Any]
"""The name of a result or of an input, or an array that becomes a constant."""


class Result(NamedTuple):
    """What a graph gives out: its value, its type, and its shape, where text names a size that may be any."""

    value: str
    kind: type[np.generic]
    shape: list[str | int]


class Graph:
    """Collects operations and constants. Raises ModelError if the library onnx is not installed.

    A graph inside another one, the body of a loop, reads all that the outer one has made so far.
    """

    def __init__(self, within: Graph | None = None) -> None:
        """An empty graph. within: the one whose body this is."""
        self._root: Graph = self if within is None else within._root
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

    def output(self, name: str, result: Result) -> None:
        """Give a result out under a name."""
        self._nodes.append(self._helper.make_node("Identity", [result.value], [name]))
        self._outputs.append(self._helper.make_tensor_value_info(name, self._type(result.kind), result.shape))

    def __call__(self, operation: str, *inputs: Value, **attributes: Any) -> str:
        """An operation of ONNX with one result."""
        return self.last_of(operation, 1, *inputs, **attributes)

    def last_of(self, operation: str, results: int, *inputs: Value, **attributes: Any) -> str:
        """The last result of an operation that has several."""
        return self.all_of(operation, results, *inputs, **attributes)[-1]

    def all_of(self, operation: str, results: int, *inputs: Value, **attributes: Any) -> list[str]:
        """All results of an operation that has several."""
        names = [self._new() for _ in range(results)]
        given = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(self._helper.make_node(operation, given, names, **attributes))
        return names

    def cast(self, value: Value, kind: type[np.generic]) -> str:
        """The value in another type."""
        return self("Cast", value, to=self._type(kind))

    def for_each(self, count: str, build: Callable[[Graph, str], Sequence[Result]]) -> list[str]:
        """What `build` makes of each number below `count`, int64 (), stacked: each result has one dimension more.

        Args:
            count: How many times.
            build: Is given a graph to write into and the number, int64 (), and returns its results.
        """
        body = Graph(self)
        at = body.input(self._new(), np.int64, [])
        going_on = body.input(self._new(), np.bool_, [])
        results = build(body, at)
        for result in (Result(going_on, np.bool_, []), *results):
            body.output(self._new(), result)
        return self.all_of("Loop", len(results), count, "", body=body._made_graph("user"))

    def recurrence(self, keep: Value, add: Value, size: int) -> str:
        """(T, H), (T, H) -> (T, H): h_t = keep_t h_{t-1} + add_t, from h = 0 of `size` H numbers."""
        body = Graph(self)
        before, kept, added = (body.input(self._new(), np.float32, [size]) for _ in range(3))
        after = body("Add", body("Mul", kept, before), added)
        for _ in ("what is carried on", "what is kept"):
            body.output(self._new(), Result(after, np.float32, [size]))
        start = np.zeros(size, np.float32)
        return self.last_of("Scan", 2, start, keep, add, body=body._made_graph("step"), num_scan_inputs=2)

    def to_bytes(self, name: str, texts: dict[str, str]) -> bytes:
        """The graph as a file, with texts beside it as its metadata."""
        opsets = [self._helper.make_opsetid("", OPSET)]
        made = self._made_graph(name)
        model = self._helper.make_model(made, producer_name="sqlscore", opset_imports=opsets, ir_version=IR)
        self._helper.set_model_props(model, texts)
        self._onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _made_graph(self, name: str) -> Any:
        return self._helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)

    def _constant(self, array: npt.NDArray[Any]) -> str:
        """Constants of a body stand in the outermost graph, so that a loop does not make them anew."""
        name = self._new()
        self._root._constants.append(self._onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def _new(self) -> str:
        self._root._made += 1
        return f"v{self._root._made}"

    def _type(self, kind: type[np.generic]) -> int:
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
