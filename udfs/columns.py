"""States as a SQL value, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch

from sqlscore.artifact import Artifact
from sqlscore.errors import EventsError
from sqlscore.events import NO_TIME
from sqlscore.udfs.arguments import Column, one_array
from sqlscore.udfs.catalog import Catalog
from sqlscore.udfs.types import STATE_ARROW
from sqlscore.user_states import States


def times_array(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    """(N,) µs -> TIMESTAMP, NO_TIME as NULL."""
    return pa.array(microseconds, mask=microseconds == NO_TIME).view(pa.timestamp("us"))


def float_lists(values: torch.Tensor) -> pa.Array:
    """float32 (N, D) -> N lists of D."""
    rows, width = values.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, pa.array(values.contiguous().numpy().reshape(-1)))


def to_arrow(states: States, model: str) -> pa.StructArray:
    """States -> STATE_ARROW; NULL where there was no event."""
    clock = states.clock.numpy()
    columns = [
        float_lists(states.hidden),
        times_array(clock[:, 0]),
        times_array(clock[:, 1]),
        pa.array(states.n_events),
        pa.array(states.n_unknown),
        pa.repeat(model, len(states)),
    ]
    empty = pa.array(states.n_events == 0)
    return pa.StructArray.from_arrays(columns, fields=list(STATE_ARROW), mask=empty)


def from_arrow(column: pa.StructArray) -> States:
    """STATE_ARROW without NULLs -> states, without copying the floats."""
    hidden = column.field("hidden")
    rows = len(column)
    values = hidden.flatten().to_numpy()
    if rows and len(values) % rows:
        raise EventsError("these states come from models of different sizes: encode the events again")
    width = len(values) // rows if rows else 0
    clock = np.stack([microseconds(column.field("first_time")), microseconds(column.field("last_time"))], axis=1)
    return States(
        torch.from_numpy(values.reshape(rows, width).copy()),
        torch.from_numpy(clock),
        column.field("n_events").to_numpy(zero_copy_only=False),
        column.field("n_unknown").to_numpy(zero_copy_only=False),
    )


def by_model(column: Column, catalog: Catalog) -> Iterator[tuple[pa.Array, Artifact, States]]:
    """Split a column of states into (row numbers, the model that made them, states); NULLs appear in none."""
    states = one_array(column)
    if pa.types.is_null(states.type):
        return
    labels = states.field("model") if states.null_count == 0 else pc.struct_field(states, "model")
    for label in pc.unique(labels.drop_null()).to_pylist():
        rows = pc.indices_nonzero(pc.fill_null(pc.equal(labels, label), False))
        chosen = states if len(rows) == len(states) else states.take(rows)
        yield rows.cast(pa.int64()), catalog.artifact(label, ""), from_arrow(chosen)


def scatter(pieces: list[tuple[pa.Array, pa.Array]], length: int, kind: pa.DataType) -> pa.Array:
    """Put (row numbers, values) pieces at their rows of a column; NULL elsewhere."""
    if len(pieces) == 1 and len(pieces[0][0]) == length:
        return pieces[0][1].cast(kind)
    positions = np.full(length, -1, np.int64)
    start = 0
    for rows, values in pieces:
        positions[rows.to_numpy()] = np.arange(start, start + len(values))
        start += len(values)
    joined = pa.concat_arrays([values.cast(kind) for _, values in pieces]) if pieces else pa.nulls(0, kind)
    return joined.take(pa.array(positions, mask=positions < 0))


def microseconds(column: pa.Array) -> npt.NDArray[np.int64]:
    """TIMESTAMP -> (N,) µs, NULL as NO_TIME."""
    return np.asarray(column.view(pa.int64()).fill_null(NO_TIME).to_numpy())
