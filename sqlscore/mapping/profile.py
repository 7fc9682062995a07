"""Counts over an events table, read through its mapping."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from sqlscore.database.events_query import early, rows_of, source, utc_timestamp
from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.left_out import doubts, left_out, named

ALIKE = "events repeat another event in every mapped column"
"""In the warning of rows that may be deliveries of one event."""


@dataclass(frozen=True)
class Profile:
    """Counts over an events table.

    Duplicates agree with another event in all mapped columns; ties agree with another event in user and time.
    Rows of excluded actions and repeats of an id are in `n_rows`, and in no other count than their own.
    """

    n_rows: int
    n_events: int  # rows with user, time and action, up to the cap
    n_users: int
    n_actions: int
    n_null_user: int
    n_null_time: int  # infinite times too
    n_null_type: int
    n_after_cap: int
    n_future: int  # rows later than the wall clock; without a time cap they are left out
    n_duplicates: int
    n_ties: int
    one_event_share: float  # of users
    first_time: datetime | None
    high_water: datetime | None
    largest_user_share: float | None = None  # of the events
    n_undecided: int = 0  # ties that the mapping's order leaves to the names of the actions: without one, all
    n_excluded: int = 0  # rows of an action that is left out
    n_repeated: int = 0  # rows with an id that another row of the user has, which is the event


def profile(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, columns: Iterable[str]
) -> tuple[Profile, tuple[str, ...]]:
    """Count what is in the mapped table, and warn about what looks wrong.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        columns: All columns of the user's table, of which `mapping` may read a copy without the others.

    Raises MappingError if no row can be used.
    """
    names = [f"feature_{number}" for number in range(len(mapping.features))]
    features = "".join(
        f", {source(feature.name)} AS {name}" for feature, name in zip(mapping.features, names, strict=True)
    )
    orders = [f"order_{number}" for number in range(len(mapping.order))]
    features += "".join(f", {source(name)} AS {short}" for name, short in zip(mapping.order, orders, strict=True))
    every = ", ".join(['"user"', "time", "action", *names])
    undecided = "NULL"  # all ties: another aggregate would cost memory and say nothing
    if orders:
        place = ", ".join(['"user"', "time", *orders])
        together = f"SELECT count(*) AS together FROM usable GROUP BY {place} HAVING count(*) > 1"
        undecided = f"(SELECT CAST(coalesce(sum(together), 0) AS BIGINT) FROM ({together}))"
    after_cap = "timed AND NOT early" if mapping.time_cap is not None else "false"
    is_early = early(mapping, "time")
    query = f"""
        WITH events AS (
            SELECT {source(mapping.user_id)} AS "user", {utc_timestamp(con, mapping)} AS time,
                {source(mapping.event_type)} AS action{features}
            FROM {rows_of(con, mapping)}
        ), flagged AS (
            SELECT *, coalesce(isfinite(time), false) AS timed, coalesce({is_early}, true) AS early
            FROM events
        ), usable AS (
            SELECT * EXCLUDE (timed, early) FROM flagged
            WHERE "user" IS NOT NULL AND action IS NOT NULL AND timed AND early
        ), per_event AS (
            SELECT count(*) AS copies FROM usable GROUP BY {every}
        ), per_moment AS (
            SELECT "user", time, count(*) AS together FROM usable GROUP BY "user", time
        ), per_user AS (
            SELECT "user", sum(together) AS events, min(time) AS first_time, max(time) AS last_time
            FROM per_moment GROUP BY "user"
        )
        SELECT (SELECT count(*) FROM events),
            (SELECT count(*) FROM usable),
            (SELECT count(*) FROM per_user),
            (SELECT count(DISTINCT action) FROM usable),
            (SELECT count(*) FROM flagged WHERE "user" IS NULL),
            (SELECT count(*) FROM flagged WHERE NOT timed),
            (SELECT count(*) FROM flagged WHERE action IS NULL),
            (SELECT count(*) FROM flagged WHERE {after_cap}),
            (SELECT count(*) FROM flagged WHERE timed AND time > ? AND NOT ({after_cap})),
            (SELECT coalesce(sum(copies - 1), 0) FROM per_event),
            (SELECT coalesce(sum(together), 0) FROM per_moment WHERE together > 1),
            (SELECT coalesce(avg(CAST(events = 1 AS DOUBLE)), 0) FROM per_user),
            (SELECT min(first_time) FROM per_user),
            (SELECT max(last_time) FROM per_user),
            (SELECT max(events) / sum(events) FROM per_user),
            {undecided}
    """
    more = left_out(con, mapping)
    row: tuple[Any, ...] = one(con, query, [now()]) or ()
    counts: list[Any] = [int(value) for value in row[:11]]
    counts[0] += more.n_excluded + more.n_repeated
    seen = Profile(*counts, *row[11:-1])
    n_undecided = seen.n_ties if row[-1] is None else row[-1]
    seen = replace(seen, n_undecided=n_undecided, n_excluded=more.n_excluded, n_repeated=more.n_repeated)
    if seen.n_events == 0:
        raise MappingError(
            f"no row can be used: of {seen.n_rows} rows, {_excluded(seen)}"
            f"{seen.n_null_user} have no {mapping.user_id!r}, {seen.n_null_time} no {mapping.event_time!r}, "
            f"{seen.n_null_type} no {mapping.event_type!r}, "
            f"{seen.n_after_cap} are past the cap and {seen.n_future} lie in the future: map a table that has events, "
            "or say with time_cap (--time-cap) up to which time they count"
        )
    others = [name for name in columns if name not in mapping.read_columns]
    return seen, (*_warnings(seen, mapping, others), *doubts(mapping, more, seen.n_rows))


def _excluded(seen: Profile) -> str:
    return f"{seen.n_excluded} have an action that is left out, " if seen.n_excluded else ""


def _ids(columns: list[str]) -> str:
    """The columns of a table that by their names may tell events apart."""
    likely = [name for name in columns if re.search(r"(?i)(^|[_. ]|[a-z](?=ID$|Id$|UUID$))(id|uuid|guid|key)$", name)]
    if not likely:
        return "no column of the table is named like one"
    return "which may be in " + ", ".join(f'"{name}"' for name in likely)


def _warnings(seen: Profile, mapping: Mapping, columns: list[str]) -> list[str]:
    """What is odd about the events; columns: those of the table that are not mapped."""
    warnings = []
    if seen.n_future and mapping.time_cap is not None:
        warnings.append(
            f"{seen.n_future} events lie in the future, as time_cap allows, and the newest ({seen.high_water}) is the "
            "default as_of of every churn score"
        )
    unusable = seen.n_rows - seen.n_excluded - seen.n_repeated - seen.n_events
    unusable -= seen.n_future if mapping.time_cap is None else 0
    if unusable:
        warnings.append(
            f"{unusable} of {seen.n_rows} rows are left out: {seen.n_null_user} without user, {seen.n_null_time} "
            f"without time, {seen.n_null_type} without action, {seen.n_after_cap} past the cap"
        )
    if seen.n_duplicates > 0.001 * seen.n_events and not mapping.event_id:
        warnings.append(
            f"{seen.n_duplicates} {ALIKE}, and all of them count: different "
            "events can look alike; if some were stored twice, name the column that tells events apart, event_id=... "
            f"(--event-id C), {_ids(columns)}"
        )
    if seen.n_undecided > 0.05 * seen.n_events:
        same = f"user, time and {named(mapping.order)}" if mapping.order else "user and time"
        also = "too, order=[...] (--order C,C)" if mapping.order else "order=... (--order C)"
        warnings.append(
            f"{seen.n_undecided / seen.n_events:.0%} of events have the same {same} as another event; their order is "
            "taken from the action's name, then from the features, and it may have been another: if the export has a "
            f"sequence number, or numbers its rows, name that column {also}"
        )
    if seen.n_actions > 10_000:
        warnings.append(f"{seen.n_actions} distinct actions: map a coarser column, or a view that groups rare ones")
    return warnings
