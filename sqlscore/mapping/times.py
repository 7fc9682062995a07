"""Times as they come: the unit of epoch numbers, and what makes a column of times doubtful."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import UNITS, Mapping, TimeUnit, unit_of
from sqlscore.events.type_names import sql_name
from sqlscore.mapping.written_times import reading_of
from sqlscore.quoting import identifier


def time_unit_of(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, kind: pa.DataType, asked: TimeUnit | None
) -> TimeUnit | None:
    """The unit of epoch numbers, None for times. Raises MappingError or EventsError if the column holds no times."""
    column = identifier(mapping.event_time)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        if asked is not None:
            raise MappingError(
                f'time_unit is for epoch numbers; "{mapping.event_time}" is a {sql_name(kind)}: leave it out'
            )
        return None
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise EventsError(
            f'event_time column "{mapping.event_time}" has type {sql_name(kind)}, expected TIMESTAMP, TIMESTAMPTZ, '
            f"DATE or an epoch number: {_cast_of(con, mapping)}"
        )
    if asked is not None:
        if asked not in UNITS:
            raise MappingError(f"time_unit {asked!r} is not one of {', '.join(UNITS)}")
        return asked
    row = one(
        con,
        f"""WITH times AS (SELECT {column}::DOUBLE AS time, TRY_CAST({column} AS BIGINT) AS day FROM {mapping.relation})
            SELECT median(abs(time)), avg(CAST(coalesce(day BETWEEN 19000101 AND 21991231 AND day % 100 BETWEEN 1 AND 31
                AND day // 100 % 100 BETWEEN 1 AND 12, false) AS DOUBLE)) FILTER (time IS NOT NULL) FROM times""",
    )
    median, calendar = row if row and row[0] is not None else (0.0, 0.0)
    if calendar > _CALENDAR_SHARE:
        raise MappingError(
            f'event_time column "{mapping.event_time}" holds calendar days as numbers (such as 20240131): map a view '
            f"with strptime(CAST({column} AS VARCHAR), '%Y%m%d') AS {column}, or say time_unit=... (--time-unit) if "
            "they are epoch numbers"
        )
    return unit_of(median)


def mixed_units(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """What to warn of if epoch numbers are of two magnitudes, or not after 1970; None if they are not.

    Args:
        con: A connection to the database.
        mapping: The mapped events, with the unit of their times.
    """
    if mapping.time_unit is None:
        return None
    column = identifier(mapping.event_time)
    size = f"abs({column}::DOUBLE)"
    units = f"CASE WHEN {size} < 1e11 THEN 's' WHEN {size} < 1e14 THEN 'ms' WHEN {size} < 1e17 THEN 'us' ELSE 'ns' END"
    row = one(
        con,
        f"""SELECT count(*) FILTER ({column} <= 0), count(*) FILTER ({column} > 0 AND {units} <> '{mapping.time_unit}'),
                mode({units} ORDER BY {units}) FILTER ({column} > 0 AND {units} <> '{mapping.time_unit}'),
                count({column})
            FROM {mapping.relation}""",
    )
    if row is None:
        return None
    not_after, other, unit, n_rows = row
    said = []
    if not_after:
        said.append(
            f'{not_after} of {n_rows} times in "{mapping.event_time}" are 0 or less, which is 1970 or before: numbers '
            "that mean there is no time? Make them NULL in a view"
        )
    if other:
        said.append(
            f'{other} of {n_rows} times in "{mapping.event_time}" look like epoch numbers in {unit}, and all are read '
            f"in {mapping.time_unit}: bring them to one unit in a view, or say time_unit=... (--time-unit)"
        )
    return "; ".join(said) or None


_CALENDAR_SHARE = 0.5
"""Of the times; if more look like YYYYMMDD they are not taken for epoch numbers."""


def _cast_of(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """How to make times of a column that holds none, by its type, or by what its first texts look like."""
    column = identifier(mapping.event_time)
    kind = con.sql(f"SELECT {column} FROM {mapping.relation} LIMIT 0").types[0]
    if str(kind) == "JSON":
        return f"cast it in a view, CAST({column} ->> '$' AS TIMESTAMP)"
    if kind.id in ("time", "time_ns", "time with time zone"):
        return f'a time of day lacks its day; add it in a view, for example "day" + {column}'
    if kind.id not in ("varchar", "enum"):
        return "name a column that holds a moment (--event-time), or make a view that has one"
    return reading_of(con, mapping.relation, column)
