"""A mapped events table under the canonical names: user_id, event_time in UTC, event_type, then the features."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from sqlscore.errors import EventsError
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.events.packing import action_text
from sqlscore.events.times_in_sql import TIMESTAMPS, microseconds, wrong_time
from sqlscore.quoting import SYSTEM, identifier

SOURCE = "mapped_event"
"""Alias of the mapped relation in all queries that read its columns."""


def source(column: str) -> str:
    """A column of the mapped relation, qualified: inside a macro a bare name may mean the macro's parameter."""
    return f"{SOURCE}.{identifier(column)}"


def usable_events(con: duckdb.DuckDBPyConnection, mapping: Mapping, where: str = "true") -> str:
    """A query for the usable events: those with a user, a finite time and an action, up to the time cap, or up to now.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        where: A condition on the mapped relation itself, whose alias is SOURCE.
    """
    columns = ", ".join(
        [
            f"{source(mapping.user_id)} AS user_id",
            f"{utc_timestamp(con, mapping)} AS event_time",
            f"{action_text(mapping, source(mapping.event_type))} AS event_type",
            *(f"{source(feature.name)} AS {identifier(feature.name)}" for feature in mapping.features),
        ]
    )
    return (
        f"WITH events AS (SELECT {columns} FROM {mapping.relation} AS {SOURCE} WHERE {where}) "
        f"SELECT * FROM events WHERE user_id IS NOT NULL AND event_type IS NOT NULL AND isfinite(event_time) "
        f"AND {early(mapping, 'event_time')}"
    )


def early(mapping: Mapping, time: str) -> str:
    """A condition: the time is not after the time cap.

    Without a cap it is not after now: the newest event is the default as_of of every churn score, so one event in the
    future would make every user look long gone.
    """
    if mapping.time_cap is not None:
        return f"{time} <= make_timestamp({int(mapping.time_cap)})"
    return f"{time} <= make_timestamp({SYSTEM}.epoch_us({SYSTEM}.now()))"


def events_until(con: duckdb.DuckDBPyConnection, mapping: Mapping, moment: int) -> str:
    """A query for the usable events up to a moment, µs."""
    return f"SELECT * FROM ({usable_events(con, mapping)}) WHERE event_time <= make_timestamp({int(moment)})"


def canonical(mapping: Mapping, query: str) -> Mapping:
    """The mapping for a scan of a query with the canonical names."""
    user_id, event_time, event_type = CANONICAL
    return replace(
        mapping,
        relation=f"({query})",
        user_id=user_id,
        event_time=event_time,
        event_type=event_type,
        time_unit=None,
        time_cap=None,
    )


def utc_timestamp(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """SQL for the mapped time as a TIMESTAMP in UTC, independent of the session's time zone."""
    column = source(mapping.event_time)
    kind = str(con.sql(f"SELECT {column} FROM {mapping.relation} AS {SOURCE}").types[0])
    if kind in TIMESTAMPS:
        return f"CAST({column} AS TIMESTAMP)"
    number = microseconds(column, kind, mapping.time_unit)
    if number is None:
        raise EventsError(wrong_time(mapping, kind))
    return f"make_timestamp({number})"
