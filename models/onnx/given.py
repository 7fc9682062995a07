"""The inputs of a graph, and the part of them that is one user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlscore.models.onnx.arithmetic import LEAST, MOST, ints
from sqlscore.models.onnx.graph import Graph, Value
from sqlscore.scoring.manifest import Manifest


@dataclass(frozen=True)
class Given:
    """What the caller passes in: N users, T events in all, cut by `offsets`.

    Attributes:
        categories: int64 (T, 1 + C) codes.
        numbers: float32 (T, F).
        times: int64 (T,) µs.
        offsets: int64 (N + 1,) where each user's events begin.
        as_of: int64 (N,) µs, the moments of churn risks; None if the model knows none.
        count: int64 (), N.
    """

    categories: str
    numbers: str
    times: str
    offsets: str
    as_of: str | None
    count: str

    @classmethod
    def of(cls, g: Graph, manifest: Manifest) -> Given:
        """Declares the inputs."""
        inputs = manifest.inputs
        offsets = g.input("offsets", np.int64, ["users_and_one"])
        return cls(
            g.input("categories", np.int64, ["events", 1 + len(inputs.categorical)]),
            g.input("numbers", np.float32, ["events", len(inputs.numeric)]),
            g.input("times", np.int64, ["events"]),
            offsets,
            g.input("as_of", np.int64, ["users"]) if "churn" in manifest.heads else None,
            g("Squeeze", g("Sub", g("Shape", offsets), ints(1))),
        )


@dataclass(frozen=True)
class User:
    """The newest events of one user, in time order.

    Attributes:
        categories: int64 (T, 1 + C).
        codes: int64 (T,) of the actions.
        numbers: float32 (T, F).
        times: int64 (T,) µs.
        at: float64 (T,), the times.
        size: int64 (1,), T.
        index: int64 (T,), 0 .. T - 1.
        as_of: int64 (1,) µs; None if the model knows no churn.
    """

    categories: str
    codes: str
    numbers: str
    times: str
    at: str
    size: str
    index: str
    as_of: str | None

    @classmethod
    def of(cls, g: Graph, given: Given, user: str, most: int | None) -> User:
        """The events of user int64 () in a batch. most: how many of the newest are read; None for all."""
        row = g("Reshape", user, ints(1))
        begin, end = g("Gather", given.offsets, row), g("Gather", given.offsets, g("Add", row, ints(1)))
        if most is not None:
            begin = g("Max", begin, g("Sub", end, ints(most)))
        categories, numbers, times = (
            g("Slice", each, begin, end, ints(0)) for each in (given.categories, given.numbers, given.times)
        )
        codes = g("Gather", categories, np.array(0), axis=1)
        size = g("Shape", codes)
        index = g("Range", np.array(0), g("Squeeze", size), np.array(1))
        as_of = None if given.as_of is None else g("Gather", given.as_of, row)
        return cls(categories, codes, numbers, times, g.cast(times, np.float64), size, index, as_of)


def before_each(g: Graph, x: Value) -> str:
    """(T, ..) -> (T - 1, ..): all rows but the last."""
    return g("Slice", x, ints(0), ints(-1), ints(0))


def after_first(g: Graph, x: Value, axis: int = 0) -> str:
    """(T, ..) -> (T - 1, ..): all rows but the first."""
    return g("Slice", x, ints(1), ints(MOST), ints(axis))


def reversed_rows(g: Graph, x: Value) -> str:
    """(T, ..) -> (T, ..): the last row first."""
    return g("Slice", x, ints(-1), ints(LEAST), ints(0), ints(-1))
