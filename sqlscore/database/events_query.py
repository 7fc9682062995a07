"""A mapped events table under the canonical names: user_id, event_time in UTC, event_type, then the features."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from sqlscore.database.high_water import GROUPS, with_high_water
from sqlscore.errors import EventsError
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.events.packing import action_text
from sqlscore.events.times_in_sql import TIMESTAMPS, microseconds, wrong_time
from sqlscore.quoting import SYSTEM, identifier, literals, qualified

SOURCE = "mapped_event"
"""Alias of the mapped relation in all queries that read its columns."""


NOW = f"make_timestamp({SYSTEM}.epoch_us({SYSTEM}.now()))"
"""The moment as a TIMESTAMP in UTC, the same in every session's zone."""


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
            *(f"{source(name)} AS {identifier(name)}" for name in mapping.read_columns[3:]),
        ]
    )
    return (
        f"WITH events AS (SELECT {columns} FROM {rows_of(con, mapping, where)}) "
        f"SELECT * FROM events WHERE user_id IS NOT NULL AND event_type IS NOT NULL AND isfinite(event_time) "
        f"AND {early(mapping, 'event_time')}"
    )


def columns_read(mapping: Mapping) -> str:
    """SQL for all that is read of an event but its user, in the canonical names; the alias of the events is e."""
    return ", ".join(f"e.{identifier(name)}" for name in ("event_time", "event_type", *mapping.extras))


def mapped_events(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """The query of the view `sqlscore.events`: where events have groups, with the newest event of each one's group."""
    usable = usable_events(con, mapping)
    if mapping.group is None:
        return usable
    return with_high_water(usable, mapping.group, qualified(mapping.schema, GROUPS))


def rows_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, where: str = "true") -> str:
    """A FROM clause with the alias SOURCE: the mapped relation without actions that are left out, each event once.

    Of the rows of a user with the same id that is the first by time, of those that are usable if any is: which one does
    not depend on the order in which they were delivered. Rows without an id all stay.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        where: A condition on the mapped relation, whose alias is SOURCE.
    """
    conditions = [] if where == "true" else [f"({where})"]
    if mapping.exclude_types:
        conditions.append(f"NOT {excluded(mapping)}")
    once = f" QUALIFY {_first_of_id(con, mapping)}" if mapping.event_id else ""
    if not conditions and not once:
        return f"{mapping.relation} AS {SOURCE}"
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"(SELECT * FROM {mapping.relation} AS {SOURCE}{condition}{once}) AS {SOURCE}"


def excluded(mapping: Mapping) -> str:
    """A condition on the mapped relation, whose alias is SOURCE: the action is one of those that are left out."""
    action = action_text(mapping, source(mapping.event_type))
    return f"coalesce({action} IN ({literals(mapping.exclude_types)}), false)"


def _first_of_id(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    user, *ids = (source(name) for name in (mapping.user_id, *mapping.event_id))
    time, action = utc_timestamp(con, mapping), source(mapping.event_type)
    ties = [*mapping.order, mapping.event_type, *(feature.name for feature in mapping.features)]
    order = [f"{action} IS NULL", f"isfinite({time}) IS NOT TRUE", time, *map(source, ties)]
    unknown = " OR ".join(f"{name} IS NULL" for name in ids)
    window = f"PARTITION BY {', '.join([user, *ids])} ORDER BY {', '.join(order)}"
    return f"{unknown} OR {SYSTEM}.row_number() OVER ({window}) = 1"


def sorting(mapping: Mapping) -> str:
    """What sorts the canonical events of a user: the time, then what breaks ties, down to the action."""
    return ", ".join(map(identifier, ("event_time", *mapping.order, "event_type")))


def early(mapping: Mapping, time: str) -> str:
    """A condition: the time is not after the time cap.

    Without a cap it is not after now: the newest event is the default as_of of every churn score, so one event in the
    future would make every user look long gone.
    """
    if mapping.time_cap is not None:
        return f"{time} <= make_timestamp({int(mapping.time_cap)})"
    return f"{time} <= {NOW}"


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
        event_id=(),
        exclude_types=(),
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
