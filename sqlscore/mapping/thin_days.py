"""Days that have hardly any events between days that have many: a file of the day is missing, or was cut off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

FEWEST = 100
"""Usual events of a day; days of fewer differ by chance."""

NEEDED_BEFORE = 8
"""So many days before a day say whether it is thin, the first of which only stands for all that lie before."""

_DAYS = 400  # before the newest; what is older was seen when it was new
_SHOWN = 3


@dataclass(frozen=True)
class ThinDay:
    """A day that lacks at least half of the events that are usual around it."""

    day: date
    n_events: int
    usual: int

    @property
    def lacking(self) -> float:
        """The share of the usual events that are not there."""
        return 1 - self.n_events / self.usual


def thin_days_query(per_day: str) -> str:
    """SQL of one value: a list of structs (day, n_events, usual), oldest first; NULL if there are none.

    Usual is the smaller one of the median of the three days before and after, and of what the same weekday had in the
    weeks beside: so neither weekends nor the slow begin of a log are thin. The first and the newest day may be partial.

    Args:
        per_day: a relation in the query around it: `day` DATE, and `n` of its usable events; days of none may lack.
    """
    return f"""(
        WITH busy AS (SELECT day, n FROM {per_day} WHERE n > 0 AND isfinite(day)),
        ends AS (SELECT min(day) AS first, max(day) AS newest FROM busy),
        days AS (
            SELECT first, CAST(UNNEST(range(
                CAST(greatest(first, newest - {_DAYS}) AS TIMESTAMP), CAST(newest AS TIMESTAMP), INTERVAL 1 DAY
            )) AS DATE) AS day FROM ends
        ),
        counted AS (SELECT days.day, first, coalesce(n, 0) AS n FROM days LEFT JOIN busy ON busy.day = days.day),
        beside AS (
            SELECT day, first, n,
                median(n) OVER (ORDER BY day ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW) AS near,
                least(lag(n, 7) OVER (ORDER BY day), lead(n, 7) OVER (ORDER BY day)) AS same_weekday
            FROM counted
        ),
        final AS (
            SELECT day, n, CAST(floor(least(near, same_weekday)) AS BIGINT) AS usual FROM beside WHERE day > first
        )
        SELECT list({{'day': day, 'n_events': n, 'usual': usual}} ORDER BY day)
        FROM final WHERE usual >= {FEWEST} AND n * 2 <= usual
    )"""


def in_words(days: list[ThinDay]) -> str:
    """What to say of such days."""
    worst = sorted(days, key=lambda one: (-one.lacking, one.day))[:_SHOWN]
    shown = ", ".join(f"{one.day} ({one.n_events:,}, usually {one.usual:,})" for one in worst)
    more = f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else ""
    return (
        f"days with hardly any events between days with many: {shown}{more}: a holiday, or a day's file that is "
        "missing or was cut off?"
    )
