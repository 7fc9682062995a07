"""Groups whose events ended long before the rest: sites that were closed, feeds that stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier

_LONGER = 1.5  # than any silence that is known of the group
_SHOWN = 3


@dataclass(frozen=True)
class Ended:
    """A group, None for events without one; its newest event, and how many days before the newest of all that was."""

    name: str | None
    newest: datetime
    days: float
    n_events: int
    n_users: int


def ended_in(con: duckdb.DuckDBPyConnection, events: str, newest: datetime, days: float) -> list[Ended]:
    """The groups that ended more than so many days before the newest event, and have known no such silence.

    Args:
        con: A connection to the database.
        events: SQL that stands in a FROM clause, with user_id, event_time and part.
        newest: The newest of these events.
        days: The silence that a group must exceed.
    """
    rows = con.execute(
        f"""WITH events AS (SELECT user_id, event_time, CAST(part AS VARCHAR) AS part FROM {events}),
            behind AS (
                SELECT part, max(event_time) AS newest, count(*) AS n_events FROM events GROUP BY part
                HAVING max(event_time) < $1
            ), of_them AS (
                SELECT e.part, e.user_id, CAST(e.event_time AS DATE) AS day
                FROM events e JOIN behind b ON b.part IS NOT DISTINCT FROM e.part
            ), silences AS (
                SELECT part, day - lag(day) OVER (PARTITION BY part ORDER BY day) AS days
                FROM (SELECT DISTINCT part, day FROM of_them)
            ), known AS (SELECT part, coalesce(max(days), 0) AS days FROM silences GROUP BY part),
            users AS (SELECT part, count(DISTINCT user_id) AS n_users FROM of_them GROUP BY part)
            SELECT b.part, b.newest, b.n_events, u.n_users, k.days FROM behind b
            JOIN known k ON k.part IS NOT DISTINCT FROM b.part JOIN users u ON u.part IS NOT DISTINCT FROM b.part
            ORDER BY b.n_events DESC, b.part""",
        [newest - timedelta(days=days)],
    ).fetchall()
    found = [
        (Ended(name, last, (newest - last).total_seconds() / 86_400, n_events, n_users), known)
        for name, last, n_events, n_users, known in rows
    ]
    return [ended for ended, known in found if ended.days > _LONGER * known]


def ended_groups(con: duckdb.DuckDBPyConnection, mapping: Mapping, newest: datetime | None, days: float) -> list[Ended]:
    """The groups of a mapping that `ended_in` finds; none without groups."""
    if mapping.group is None or newest is None:
        return []
    column = identifier(mapping.group)
    events = f"(SELECT user_id, event_time, {column} AS part FROM ({usable_events(con, mapping)}))"
    return ended_in(con, events, newest, days)


def in_words(ended: list[Ended]) -> str:
    """The largest of them, and how many more there are."""
    shown = ", ".join(
        f"{'those without one' if one.name is None else ascii(one.name)} on {one.newest:%Y-%m-%d} "
        f"({one.n_events:,} events of {one.n_users:,} users)"
        for one in ended[:_SHOWN]
    )
    more = len(ended) - _SHOWN
    return shown + (f" and {more} more" if more > 0 else "")
