"""Heads that say when the next action comes: a time, several, how likely it is by then, and whether in this visit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Floats
from sqlscore.columns import column_of, is_valid, numbers_of
from sqlscore.errors import EventsError
from sqlscore.events.mapping import SESSION_GAP, US_PER_SECOND
from sqlscore.events.type_names import sql_name
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.head_outputs import event_within, seconds_at, seconds_to_next_event
from sqlscore.scoring.sql_types import VISIT_ARROW
from sqlscore.scoring.states import States, without_times
from sqlscore.udfs.arguments import Column, numbers, one_array
from sqlscore.udfs.columns import by_model, scatter

_VISIT = SESSION_GAP / US_PER_SECOND


def seconds_to_next(catalog: Catalog, state: Column) -> pa.Array:
    """State -> DOUBLE, the predicted median of the seconds from the last event to the next."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("time_to_next")
        _refuse_plain(states)
        pieces.append((rows, column_of(seconds_to_next_event(artifact, states.hidden))))
    return scatter(pieces, len(state), pa.float64())


def quantiles(catalog: Catalog, state: Column, levels: Column) -> pa.Array:
    """(state, levels) -> DOUBLE[], these quantiles of the seconds; NULL for a list or a level that is NULL."""
    asked = lists_of_levels(levels)
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require_distribution()
        _refuse_plain(states)
        given = asked.take(rows)
        lengths = numbers_of(pc.list_value_length(given)).astype(np.int64)
        wanted = given.flatten()
        inside = np.arange(lengths.max(initial=0)) < lengths[:, None]  # (N, Q) of the longest list
        padded = np.zeros(inside.shape)
        padded[inside] = numbers_of(wanted)
        found = seconds_at(artifact, states.hidden, padded)[inside]
        values = column_of(found, ~is_valid(wanted))
        offsets = column_of(np.append(0, np.cumsum(lengths)).astype(np.int32))
        pieces.append((rows, pa.ListArray.from_arrays(offsets, values, mask=given.is_null())))
    return scatter(pieces, len(state), pa.list_(pa.float64()))


def within(catalog: Catalog, state: Column, seconds: Column) -> pa.Array:
    """(state, seconds) -> FLOAT, the probability that the next event comes within these; NULL if they are NULL."""
    asked = numbers(seconds, "seconds", "for half an hour 1800, or epoch(INTERVAL '30 minutes')")
    values = _checked(asked, "seconds", "a number from 0", np.inf)
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require_distribution()
        _refuse_plain(states)
        share = event_within(artifact, states.hidden, values[numbers_of(rows)])
        missing = ~is_valid(asked.take(rows))
        pieces.append((rows, column_of(share, missing)))
    return scatter(pieces, len(state), pa.float32())


def next_visit(catalog: Catalog, state: Column) -> pa.Array:
    """State -> VISIT_ARROW: whether the next event is still of this visit, and its median time if it is, and if not."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        artifact.require_distribution()
        _refuse_plain(states)
        same = event_within(artifact, states.hidden, np.full(len(states), _VISIT))
        medians = seconds_at(artifact, states.hidden, np.stack([same / 2, (1 + same) / 2], 1))
        columns = [column_of(same), column_of(medians[:, 0]), column_of(medians[:, 1])]
        pieces.append((rows, pa.StructArray.from_arrays(columns, fields=list(VISIT_ARROW))))
    return scatter(pieces, len(state), VISIT_ARROW)


def lists_of_levels(levels: Column) -> pa.ListArray:
    """The parameter as LIST<DOUBLE>."""
    given = one_array(levels)
    kind = given.type
    if pa.types.is_null(kind):
        return given.cast(pa.list_(pa.float64()))
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise EventsError(
            f"quantiles has type {sql_name(kind)}, expected a list of numbers from 0 to 1, as in [0.1, 0.5, 0.9]"
        )
    lists = given.cast(pa.list_(kind.value_type))
    values = numbers(lists.values, "quantiles", "as in [0.1, 0.5, 0.9]")
    _checked(values, "quantiles", "numbers from 0 to 1", 1.0)
    return lists.cast(pa.list_(pa.float64()))


def _checked(given: pa.Array, parameter: str, expected: str, most: float) -> Floats:
    """(N,) the numbers, 0 for NULL. Raises EventsError if one is below 0, above `most`, or NaN."""
    values = numbers_of(given)
    wrong = ~((values >= 0) & (values <= most))
    if wrong.any():
        raise EventsError(f"{parameter} must be {expected}, found {values[wrong][0]}")
    return values


def _refuse_plain(states: States) -> None:
    if bool(without_times(states.clock).any()):
        raise EventsError(
            "a plain list of actions has no times, so there are no seconds to the next action: "
            "pass structs that hold the event time"
        )
