"""Arrow columns of times, whatever their type, as whole microseconds since 1970 in UTC.

The same rules as `times_in_sql`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Bools, Ints
from sqlscore.columns import is_valid, numbers_of
from sqlscore.errors import EventsError
from sqlscore.events.mapping import Mapping, us_per_unit
from sqlscore.events.times_in_sql import wrong_time
from sqlscore.events.type_names import sql_name

_PER_TICK = {"us": 1, "ms": 1_000, "s": 1_000_000}
_PER_DAY = 86_400 * 1_000_000


def to_microseconds(column: pa.Array, mapping: Mapping) -> tuple[Ints, Bools]:
    """Event times -> (µs (N,), mask of usable ones).

    Raises EventsError if the type cannot be that of a time, or if microseconds cannot hold a value.
    """
    kind, name = column.type, mapping.event_time
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
    usable = is_valid(column)
    if pa.types.is_date(kind):
        days = numbers_of(column.cast(pa.date32()).view(pa.int32())).astype(np.int64)
        usable &= np.abs(days) < 2**31 - 1  # infinity
        times = _multiplied(days, _PER_DAY, usable, name)
    elif pa.types.is_timestamp(kind):
        ticks = numbers_of(column.view(pa.int64()))
        usable &= np.abs(ticks) < 2**63 - 1  # infinity
        times = ticks // 1000 if kind.unit == "ns" else _multiplied(ticks, _PER_TICK[kind.unit], usable, name)
    elif mapping.time_unit is not None and (pa.types.is_integer(kind) or _is_whole(kind)):
        try:
            ticks = numbers_of(column.cast(pa.int64()))
        except pa.ArrowInvalid as error:
            raise _too_far(name, pc.max(pc.abs(column.cast(pa.float64(), safe=False))).as_py()) from error
        times = (
            ticks // 1000
            if mapping.time_unit == "ns"
            else _multiplied(ticks, int(us_per_unit(mapping.time_unit)), usable, name)
        )
    elif mapping.time_unit is not None and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        numbers = numbers_of(column.cast(pa.float64()))
        usable &= np.isfinite(numbers)
        finite = np.where(usable, numbers, 0)
        scaled = np.rint(finite / 1000 if mapping.time_unit == "ns" else finite * us_per_unit(mapping.time_unit))
        far = np.abs(scaled) >= 2.0**63
        if far.any():
            raise _too_far(name, finite[far][0])
        times = scaled.astype(np.int64)
    else:
        raise EventsError(wrong_time(mapping, sql_name(kind)))
    if mapping.time_cap is not None:
        usable &= times <= mapping.time_cap
    return times, usable


def _multiplied(ticks: Ints, factor: int, usable: Bools, name: str) -> Ints:
    far = usable & (np.abs(ticks) > (2**63 - 1) // factor)
    if far.any():
        raise _too_far(name, ticks[far][0])
    return ticks * factor


def _too_far(name: str, value: float) -> EventsError:
    return EventsError(
        f'events column "{name}" holds {value}, which is too far from 1970 to be a time: filter it out in a view or '
        "subquery, or map the events again with another time_unit"
    )


def _is_whole(kind: pa.DataType) -> bool:
    """A decimal without digits behind the point, as HUGEINT arrives."""
    return bool(pa.types.is_decimal(kind) and kind.scale == 0)
