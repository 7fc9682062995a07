"""Reading what DuckDB passes: whole columns, constants, moments in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import is_valid, numbers_of
from sqlscore.errors import EventsError, SqlscoreError
from sqlscore.events.mapping import NO_TIME, Mapping
from sqlscore.events.sequences import Sequences
from sqlscore.events.times_in_arrow import to_microseconds
from sqlscore.events.type_names import sql_name
from sqlscore.scoring.catalog import Catalog
from sqlscore.times import moment, to_seconds

Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def one_array(column: Column) -> pa.Array:
    """An argument as one contiguous array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def constant(column: Column, parameter: str) -> Any:
    """The one value of a parameter that must be the same on every row (NULL: None)."""
    given = one_array(column)
    if pa.types.is_nested(given.type):
        raise EventsError(f"{parameter} has type {sql_name(given.type)}: pass one value")
    values = pc.unique(given)
    if len(values) > 1:
        raise EventsError(f"{parameter} must be one value for the whole query, found {values[:3].to_pylist()}")
    return values[0].as_py() if len(values) else None


def whole_number(column: Column, parameter: str, default: int, most: int) -> int:
    """A constant integer parameter between 1 and `most`."""
    value = constant(column, parameter)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise EventsError(f"{parameter} must be a whole number from 1 to {most}, found {value!r}")
    return int(value)


def numbers(column: Column, parameter: str, example: str) -> pa.Array:
    """A numeric parameter as DOUBLE (N,), whatever its type. Raises EventsError if it is no number."""
    given = one_array(column)
    kind = given.type
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return given.cast(pa.float64())
    raise EventsError(f"{parameter} has type {sql_name(kind)}, expected a number: {example}")


def text(column: Column, parameter: str) -> str | None:
    """A constant VARCHAR parameter."""
    value = constant(column, parameter)
    if value is not None and not isinstance(value, str):
        raise EventsError(f"{parameter} must be VARCHAR, found {value!r}")
    return value


def span(column: Column, parameter: str) -> float | None:
    """A constant length of time in seconds: an INTERVAL without months, text such as '7 days', or seconds."""
    value = constant(column, parameter)
    if isinstance(value, pa.MonthDayNano):
        if value.months:
            raise EventsError(f"{parameter} has months, which have no fixed length: write it in days, INTERVAL 30 DAY")
        value = value.days * 86_400.0 + value.nanoseconds / 1e9
    if isinstance(value, bool) or not (value is None or isinstance(value, str | int | float | timedelta | Decimal)):
        raise EventsError(f"{parameter} must be a length of time, found {value!r}: write it as '7 days'")
    try:
        return to_seconds(float(value) if isinstance(value, Decimal) else value)
    except SqlscoreError as error:
        raise EventsError(f"{parameter}: {error}") from error


def mapping_of(catalog: Catalog, column: Column) -> Mapping:
    """The mapping that a public function passes as its name and the number of its file, `events@123`.

    Raises EventsError if the function belongs to another file than the one that sqlscore opened.
    """
    name, _, file = (text(column, "mapping") or "").partition("@")
    if file and int(file) != catalog.snapshot.file:
        raise EventsError(
            "these functions belong to another file than the one that sqlscore opened, whose models they would use: "
            "call those of an attached file over a connection to it (sqlscore.connect), or read its tables"
        )
    return catalog.mapping(name)


def newest_of(sequences: Sequences) -> Ints:
    """(N,) the newest event of each sequence's groups, NO_TIME where nothing says it."""
    if sequences.high_water is None:
        return np.full(len(sequences), NO_TIME, np.int64)
    return sequences.high_water


def moments_of(rows: pa.Array, as_of: Column, high_water: Column, newest: pa.Array | None, mapping: Mapping) -> Ints:
    """The moments of some rows, as `moments` gives them.

    Args:
        rows: int64 (M,), their numbers.
        as_of: (N,) as `moments` takes it.
        high_water: (N,) the newest time of the mapped table.
        newest: (M,) that of the groups of these rows, which stands in its place where the mapping has groups.
        mapping: of the events.

    Returns:
        int64 (M,), µs.
    """
    if mapping.group is None or newest is None:
        return np.asarray(moments(as_of, high_water, mapping)[numbers_of(rows)])
    return moments(one_array(as_of).take(rows), newest, mapping)


def moments(as_of: Column, high_water: Column, mapping: Mapping) -> Ints:
    """The moment of each score.

    Args:
        as_of: (N,) TIMESTAMP, TIMESTAMPTZ, DATE, an epoch number if the mapping has such times, or ISO text.
        high_water: (N,) the newest time of the mapped table, which stands in for a NULL as_of.
        mapping: of the events.

    Returns:
        int64 (N,), µs.

    Raises:
        EventsError: if as_of is not a time, is infinite, or is NULL with nothing to stand in for it.
    """
    asked = one_array(as_of)
    if pa.types.is_string(asked.type):
        asked = pa.array(
            [None if text is None else moment(text, "as_of") for text in asked.to_pylist()], pa.timestamp("us")
        )
    given = is_valid(asked)
    try:
        times, finite = to_microseconds(asked, replace(mapping, time_cap=None))
    except EventsError as error:
        raise EventsError(f"as_of has type {sql_name(asked.type)}, expected TIMESTAMP, TIMESTAMPTZ or DATE") from error
    if bool((given & ~finite).any()):
        raise EventsError("as_of is infinite: pass a time, for example TIMESTAMP '2024-01-31 00:00:00'")
    if given.all():
        return times
    fallback = one_array(high_water)
    if mapping.group is not None and (~is_valid(fallback) & ~given).any():
        raise EventsError(
            f'there is no as_of, and nothing says when the newest event of the group ("{mapping.group}") was: pass '
            "as_of := TIMESTAMP '...', or take lists of sqlscore.events, whose column group_high_water says it; a "
            "group that no mapped event has is not known"
        )
    if fallback.null_count and mapping.group is None:
        raise EventsError(
            f'there is no as_of, and no event in the mapped events table ("{mapping.name}") to take it from: '
            "pass as_of := TIMESTAMP '...', or map the events"
        )
    newest = numbers_of(fallback.cast(pa.timestamp("us")).view(pa.int64()), NO_TIME)
    return np.where(given, times, newest)
