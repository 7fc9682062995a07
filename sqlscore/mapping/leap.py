"""The newest events, if they lie far behind all others: a wrong date, or a log that is like that?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.watch import Watched
from sqlscore.quoting import qualified

MIN_USERS = 20
"""In a log of fewer users, what one of them does says little."""

_MIN_EVENTS = 1000  # so does a silence in a smaller log
_HARDLY = 0.01  # of the events that the log's usual rate would have put into the silence
_LONGER = 1.5  # than a silence that is known of the log, or than the time that has passed
_SEVERAL = 3  # users do not have the same wrong date
_BEGUN = 0.01  # of the events: what lies before is not looked at, since one wrong date is a silence of decades too
_OF_THE_LOG = 0.5  # of the time that the log covers: a silence longer than this is not known from it


@dataclass(frozen=True)
class Leap:
    """The newest events behind a silence of so many days."""

    start: datetime
    days: float
    n_events: int


def leap_in(con: duckdb.DuckDBPyConnection, mapping: Mapping, last: Watched, seen: Watched) -> Leap | None:
    """The longest silence since the newest event of `last`, if hardly any event follows it and the log knows no such.

    It is known if an earlier silence was about as long, or if about as much time has passed by the clock: loads that
    come once a month bring a month at once. Events of several users after a silence that is short beside the log are
    no wrong date either.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        last: Their profile at the last refresh, or when they were mapped.
        seen: Their profile now.
    """
    if last.n_events < _MIN_EVENTS or (last.n_users or 0) < MIN_USERS or last.newest_time is None:
        return None
    events = qualified(mapping.schema, "events")
    row = one(
        con,
        f"""WITH begun AS (
                SELECT quantile_disc(event_time, {_BEGUN}) AS first_time FROM {events} WHERE event_time <= $2
            ), times AS (SELECT DISTINCT event_time FROM {events} WHERE event_time <= $1),
            silences AS (
                SELECT event_time, epoch(event_time) - epoch(lag(event_time) OVER (ORDER BY event_time)) AS seconds
                FROM times
            ), longest AS (
                SELECT max(seconds) FILTER (event_time <= $2 AND event_time > first_time) AS known,
                    max(seconds) FILTER (event_time > $2) AS seconds,
                    arg_max(event_time, seconds) FILTER (event_time > $2) AS start, any_value(first_time) AS begun
                FROM silences CROSS JOIN begun
            )
            SELECT known / 86400, seconds / 86400, start, count(*), count(DISTINCT user_id), begun
            FROM longest JOIN {events} ON event_time >= start AND event_time <= $1 GROUP BY ALL""",
        [seen.newest_time, last.newest_time],
    )
    if row is None:
        return None
    known, silence, start, n_events, n_users, begun = row
    covered = max(days(begun, last.newest_time), 1.0)
    usual = last.n_events / covered * silence
    if (
        silence <= _LONGER * max(known or 0.0, days(last.taken_at, seen.taken_at))
        or n_events >= _HARDLY * usual
        or (n_users >= _SEVERAL and silence <= _OF_THE_LOG * covered)
    ):
        return None
    return Leap(start, silence, n_events)


def days(start: datetime | None, end: datetime | None) -> float:
    """Days from one moment to another; 0 if one of them is not known."""
    if start is None or end is None:
        return 0.0
    return (end - start).total_seconds() / 86_400
