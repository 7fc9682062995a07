"""Past, later, latest: which events train, which validate, which test, and the dates of the churn labels.

Where no later period can hold churn labels of its own, the dates are the same for all and users are parted instead.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.training.data.event_log import EventLog

_DATES = 5  # as_of dates of the training part; more helped no further
_LATER_DATES = 3


@dataclass(frozen=True)
class Churn:
    """The churn label's lengths and its as_of dates, all in µs.

    Args:
        horizon: how far the label looks ahead.
        lookback: within which a user was seen; None: everyone ever seen.
        train: as_of dates of the examples that are learned.
        validation: those of the examples that choose.
        test: those of the examples that judge.
        by_users: the dates are the same, and users are parted (`churn_users`): no horizon was left for a later period.
    """

    horizon: int
    lookback: int | None
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    by_users: bool = False

    @property
    def tested_on(self) -> str:
        """What the test examples are, in words."""
        return "other users on the same dates, not on a later period" if self.by_users else "a later period"


@dataclass(frozen=True)
class Periods:
    """Boundaries in µs since 1970. Train: target at or before `t1`; validation: in (t1, t2]; test: after `t2`.

    by_users: there was no room for a validation period; t1 = t2, and held-out users validate. Churn may have dates of
    its own beside these boundaries: see `Churn.by_users`.
    """

    t1: int
    t2: int
    first: int
    high_water: int
    by_users: bool
    churn: Churn | None

    def to_notes(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        return asdict(self)

    @classmethod
    def from_notes(cls, notes: dict[str, Any]) -> Periods:
        """The periods that `to_notes` wrote, also after a round trip through JSON."""
        fields = dict(notes)
        if fields["churn"] is not None:
            dates = {name: tuple(fields["churn"][name]) for name in ("train", "validation", "test")}
            fields["churn"] = Churn(**{**fields["churn"], **dates})
        return cls(**fields)


def without_churn(times: Ints) -> Periods:
    """Boundaries at the 70 % and 85 % quantiles of event time, moved off ties.

    Raises TrainingError if all events have the same time.
    """
    first, high_water = int(times.min()), int(times.max())
    if first == high_water:
        raise TrainingError(
            f"all {len(times)} events have the same event_time, so nothing can be tested on a later part: "
            "map the column that holds when each event happened"
        )
    t1, t2 = (int(q) for q in np.quantile(times, (0.7, 0.85), method="inverted_cdf"))
    if t2 >= high_water:
        t2 = int(times[times < high_water].max())
    if t1 >= t2:
        earlier = times[times < t2]
        t1 = int(earlier.max()) if len(earlier) else t2
    return Periods(t1, t2, first, high_water, by_users=t1 == t2, churn=None)


def with_churn(times: Ints, horizon: int, lookback: int | None) -> Periods | None:
    """Boundaries that leave room for labels: t2 = min(q85, high water - H), t1 = min(q70, t2 - H).

    Where only about two horizons fit, held-out users validate; where not even these fit, users are held out to validate
    and to test the churn head, and the boundaries are those without churn. None below a horizon and a quarter.
    """
    first, high_water = _ends(times)
    q70, q85 = (int(q) for q in np.quantile(times, (0.7, 0.85), method="inverted_cdf"))
    t2 = min(q85, high_water - horizon)
    t1 = min(q70, t2 - horizon)
    by_users = t1 - horizon - first < horizon // 2
    if by_users:
        t1 = t2
        if t2 - horizon - first < horizon // 4:
            return _of_other_users(times, horizon, lookback)
    test = _spaced(t2, high_water - horizon, _LATER_DATES)
    newest = t1 - horizon
    train = _spaced(first + (newest - first) // 2, newest, _DATES)
    validation = train if by_users else _spaced(t1, t2 - horizon, _LATER_DATES)
    return Periods(t1, t2, first, high_water, by_users, Churn(horizon, lookback, train, validation, test))


def _of_other_users(times: Ints, horizon: int, lookback: int | None) -> Periods | None:
    """The newest dates that have labels: of the last half horizon, or of the newer half of what is there."""
    first, high_water = _ends(times)
    newest = high_water - horizon
    if newest - first < horizon // 4:
        return None
    dates = _spaced(max(newest - horizon // 2, first + (newest - first) // 2), newest, _DATES)
    return replace(without_churn(times), churn=Churn(horizon, lookback, dates, dates, dates, by_users=True))


def longest_horizon(times: Ints) -> int:
    """The longest horizon (µs) for which `with_churn` finds room: high water - H - first >= H / 4."""
    first, high_water = _ends(times)
    return int((high_water - first) / 1.25)


def _ends(times: Ints) -> tuple[int, int]:
    """When most users' events begin, and the high-water mark: a few early events are no history."""
    return int(np.quantile(times, 0.005, method="inverted_cdf")), int(times.max())


def _spaced(start: int, end: int, most: int) -> tuple[int, ...]:
    """At most `most` dates from start to end, evenly spaced, both included; one date if they are the same."""
    if end <= start:
        return (end,)
    return tuple(int(date) for date in start + np.arange(most) * (end - start) // (most - 1))


def visit_gaps(log: EventLog, until: int, visit_gap: int) -> tuple[Ints, float]:
    """(µs between visits of the same user up to a time, the share of users with more than one visit)."""
    rows = log.rows
    gaps = np.diff(log.times)
    between = (rows[1:] == rows[:-1]) & (gaps > visit_gap) & (log.times[1:] <= until)
    returned = len(np.unique(rows[1:][between]))
    seen = len(np.unique(rows[log.times <= until]))
    return gaps[between], returned / max(seen, 1)
