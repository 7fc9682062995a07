"""States as Arrow structs, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.columns import column_of, numbers_of, repeated
from sqlscore.errors import EventsError
from sqlscore.events.mapping import NO_TIME
from sqlscore.scoring.sql_types import STATE_ARROW
from sqlscore.scoring.states import States


def times_array(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    """(N,) µs -> TIMESTAMP, NO_TIME as NULL."""
    return column_of(microseconds, microseconds == NO_TIME).view(pa.timestamp("us"))


def float_lists(values: npt.NDArray[np.float32]) -> pa.Array:
    """float32 (N, D) -> N lists of D."""
    rows, width = values.shape
    offsets = column_of(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, column_of(values.reshape(-1)))


def to_arrow(states: States, model: str) -> pa.StructArray:
    """States -> STATE_ARROW; NULL for a state of no event."""
    columns = [
        float_lists(states.hidden),
        times_array(states.clock[:, 0]),
        times_array(states.clock[:, 1]),
        column_of(states.n_events),
        column_of(states.n_unknown),
        repeated(model, len(states)),
    ]
    empty = column_of(states.n_events == 0)
    return pa.StructArray.from_arrays(columns, fields=list(STATE_ARROW), mask=empty)


_LARGEST = 1e20
"""What no number of a state reaches: beyond it a score would be no number."""


def from_arrow(column: pa.StructArray) -> States:
    """STATE_ARROW without NULLs -> states, without copying the floats.

    Raises EventsError if they differ in size, lack a part, or hold a number that no state has.
    """
    hidden = column.field("hidden")
    rows = len(column)
    numbers = hidden.flatten()
    values = numbers_of(numbers)
    width = len(values) // rows if rows else 0
    if rows and (numbers_of(pc.list_value_length(hidden), -1) != width).any():
        raise EventsError("these states come from models of different sizes: encode the events again")
    if numbers.null_count or (len(values) and not np.abs(values).max() < _LARGEST):
        raise EventsError("these states hold a number that no model makes: encode the events again")
    clock = np.stack([microseconds(column.field("first_time")), microseconds(column.field("last_time"))], axis=1)
    n_events, n_unknown = numbers_of(column.field("n_events")), numbers_of(column.field("n_unknown"), -1)
    if (
        (n_events < 1).any()
        or (n_unknown < 0).any()
        or (n_unknown > n_events).any()
        or (clock[:, 0] > clock[:, 1]).any()
    ):
        raise EventsError("these states hold numbers or times of events that cannot be: encode the events again")
    return States(values.reshape(rows, width), clock, n_events, n_unknown)


def microseconds(column: pa.Array) -> npt.NDArray[np.int64]:
    """TIMESTAMP -> (N,) µs, NULL as NO_TIME."""
    return numbers_of(column.view(pa.int64()), NO_TIME)
