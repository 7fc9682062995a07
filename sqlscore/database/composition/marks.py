"""How far each of several sources reaches, which of them has stopped, and the moment up to which all are whole.

A source that lags behind the others by more than a week (the threshold of the guard `silent_days`), and by more than
1.5 times its own longest silence so far, has stopped, and nothing waits for it. The newest event of the slowest other
one is the mark: later events wait, since the users of the slow source would look as if they had done nothing.
"""

from __future__ import annotations

from sqlscore.database.composition.sources import ACTION, DEVICE, NAME, TIME, USER

_LONGER = 1.5  # than a silence that is known of the source
_DAYS = 7  # if the guard was deleted


def states(relation: str, early: str, devices: bool) -> str:
    """A query with a row a source: source, n_events, newest, stopped, mark (the same for all).

    Args:
        relation: The SQL of a FROM clause with the columns of `united`.
        early: An SQL condition: `event_time` is not after the time cap.
        devices: Whether there is a column of devices, which stands for the user where there is none.
    """
    # By days first, since a window over all events would sort them; silences within a day say nothing here.
    return f"""WITH days AS (
            SELECT {NAME}, count(*) AS n_events, min({TIME}) AS first, max({TIME}) AS last FROM {relation}
            WHERE {_usable(early, devices)} GROUP BY {NAME}, CAST({TIME} AS DATE)
        ), silences AS (
            SELECT *, epoch(first - lag(last) OVER (PARTITION BY {NAME} ORDER BY first)) AS silence FROM days
        ), feeds AS (
            SELECT {NAME}, CAST(sum(n_events) AS BIGINT) AS n_events, max(last) AS newest, max(silence) AS longest
            FROM silences GROUP BY {NAME}
        ), judged AS (
            SELECT {NAME}, n_events, newest, epoch(max(newest) OVER () - newest) > greatest(
                {_LONGER} * coalesce(longest, 0), 86400 * coalesce((SELECT max(g.threshold) FROM sqlscore.guards AS g
                    WHERE g.name = 'silent_days'), {_DAYS})) AS stopped
            FROM feeds
        )
        SELECT *, min(newest) FILTER (NOT stopped) OVER () AS mark FROM judged"""


def counted(relation: str, early: str, devices: bool) -> str:
    """A query as of `states`, with the number of events behind the mark, n_waiting, besides."""
    return f"""WITH states AS ({states(relation, early, devices)}), behind AS (
            SELECT {NAME}, count(*) AS n_waiting FROM {relation}
            WHERE {_usable(early, devices)} AND {TIME} > (SELECT max(mark) FROM states) GROUP BY {NAME}
        )
        SELECT s.*, coalesce(b.n_waiting, 0) AS n_waiting FROM states AS s LEFT JOIN behind AS b USING ({NAME})"""


def until_mark(events: str, relation: str, early: str, devices: bool) -> str:
    """A query for the events up to the mark; those that are left out for another reason stay, and are counted there.

    Args:
        events: The SQL of a FROM clause with a column `event_time`.
        relation: As of `states`.
        early: As of `states`.
        devices: As of `states`.
    """
    mark = f"SELECT max(mark) FROM ({states(relation, early, devices)})"
    return f"SELECT * FROM {events} WHERE NOT coalesce({TIME} > ({mark}) AND {early}, false)"


def _usable(early: str, devices: bool) -> str:
    user = f"coalesce(CAST({USER} AS VARCHAR), CAST({DEVICE} AS VARCHAR))" if devices else USER
    return f"{user} IS NOT NULL AND {ACTION} IS NOT NULL AND isfinite({TIME}) AND {early}"
