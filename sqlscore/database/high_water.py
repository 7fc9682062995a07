"""The newest event of the part of the log that an event belongs to: a site, a tenant, a source.

Parts of one log may end at different times. What is said of an event's future (a label, a score as of the newest event)
is then known up to the end of its own part, not of the whole log. NULL is a part like any other.
"""

from __future__ import annotations

from sqlscore.events.mapping import HIGH_WATER
from sqlscore.quoting import identifier

GROUPS = "group_high_water"
"""The view of what `newest_by_part` gives for the groups of a mapping."""

USER_GROUPS = "user_groups"
"""The view of the groups that each user has events of."""


def newest_by_part(events: str, column: str) -> str:
    """A query for each part and its newest event: `part`, of the column's type, and `high_water`.

    Args:
        events: A query for canonical events.
        column: Their column that says to which part an event belongs.
    """
    return f"SELECT {identifier(column)} AS part, max(event_time) AS high_water FROM ({events}) GROUP BY ALL"


def with_high_water(events: str, column: str, newest: str) -> str:
    """A query for the events with the column HIGH_WATER: the newest event of their part, NULL if that is not known.

    Args:
        events: A query for canonical events.
        column: Their column that says to which part an event belongs.
        newest: What `newest_by_part` gives: the quoted name of a table or view, or a query in parentheses.
    """
    return (
        f"SELECT e.*, p.high_water AS {HIGH_WATER} FROM ({events}) e "
        f"LEFT JOIN {newest} p ON p.part IS NOT DISTINCT FROM e.{identifier(column)}"
    )


def newest_of_row(row: str, column: str, newest: str, where: str = "true") -> str:
    """A correlated subquery: the newest event of the part of a row of the user's own table.

    It may stand in the argument of an aggregate, also in OVER: the engine makes a join of it.

    Args:
        row: The alias of the row.
        column: Its column that says to which part it belongs.
        newest: What `newest_by_part` gives, as a table, a view or a query in parentheses.
        where: A condition on `newest`, whose alias is p.
    """
    same = f"p.part IS NOT DISTINCT FROM {row}.{identifier(column)}"
    return f"(SELECT p.high_water FROM {newest} p WHERE {same} AND {where})"
