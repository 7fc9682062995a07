"""The order of events in a sequence: by time, ties by columns that say so, by the action as text, by the others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, numbers_of
from sqlscore.errors import EventsError
from sqlscore.events.type_names import sql_name


def time_order(times: Ints, offsets: Ints, tie_breakers: list[pa.Array]) -> Ints | None:
    """The permutation that puts the events of every sequence in order, or None if they are in order already.

    Args:
        times: int64 (T,), µs.
        offsets: int64 (N + 1,), where each sequence begins.
        tie_breakers: columns (T,) that order events of one moment; the first column counts most.
    """
    if len(times) < 2:
        return None
    row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    neighbours = row[1:] == row[:-1]
    unsorted = bool((neighbours & (times[1:] < times[:-1])).any())
    order = _by_row_and_time(row, times) if unsorted else np.arange(len(times))
    ordered = times[order] if unsorted else times
    tied = neighbours & (ordered[1:] == ordered[:-1])
    if not tied.any():
        return order if unsorted else None
    member = np.zeros(len(times), np.bool_)
    member[1:] |= tied
    member[:-1] |= tied
    places = np.flatnonzero(member)  # of events that share their moment with a neighbour
    run = np.cumsum(np.append(True, ~tied)[places])  # which group of one moment each belongs to
    among = order[places]
    keys = [_rank(column.take(column_of(among))) for column in tie_breakers]
    resorted = np.lexsort((*reversed(keys), run))
    if not unsorted and bool((resorted == np.arange(len(resorted))).all()):
        return None
    order[places] = among[resorted]
    return order


def _by_row_and_time(row: Ints, times: Ints) -> Ints:
    """The order by row, then by time.

    Sorts by one combined key if (row, time) fits into 63 bits: five times as fast as a sort by two keys.
    """
    first, last = int(times.min()), int(times.max())
    span = last - first + 1
    if (int(row[-1]) + 1) * span >= 2**63:
        return np.lexsort((times, row))
    return np.argsort(row * span + (times - first))


def _rank(column: pa.Array) -> Ints:
    """Dense ranks: text in binary order, numbers by value, NULL and NaN last."""
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.int64)
    values = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    try:
        ranks = pc.rank(values, sort_keys="ascending", tiebreaker="dense")
    except pa.ArrowNotImplementedError as error:
        raise EventsError(
            f"a column of the events has type {sql_name(column.type)}, which neither a model reads nor events are "
            "ordered by: pass a number or a text"
        ) from error
    return np.asarray(numbers_of(ranks), np.int64)
