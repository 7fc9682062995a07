"""Churn examples: what a model could have known on an as_of date, and what happened after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Bools, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.training.data.churn_users import Group, groups
from sqlscore.training.data.event_log import EventLog, hashes_of
from sqlscore.training.data.split import Churn, Periods, longest_horizon, visit_gaps, with_churn
from sqlscore.training.data.treatments import MOST, Counted, copies

_DAY = 86_400 * US_PER_SECOND
_VISIT = 1_800 * US_PER_SECOND
_MIN_CLASS = 20  # users of either kind that training needs
_MIN_CLASS_LATER = 5
_NAMES = {Group.TRAIN: "training period", Group.VALIDATION: "validation period", Group.TEST: "test period"}
_MIN_RETURNING = 0.1  # share of users with a second visit, below which not coming back says nothing


@dataclass(frozen=True)
class Examples:
    """E examples, in order of `position`."""

    position: Ints  # (E,) index in the log of the last event at or before as_of
    elapsed: npt.NDArray[np.float64]  # (E,) seconds from it to as_of
    churned: npt.NDArray[np.bool_]  # (E,) no event in (as_of, as_of + horizon]
    seen: Ints  # (E,) events up to as_of

    def __len__(self) -> int:
        return len(self.position)

    def among(self, kept: npt.NDArray[np.bool_]) -> Examples:
        """Those where kept (E,) is true."""
        return Examples(self.position[kept], self.elapsed[kept], self.churned[kept], self.seen[kept])


def examples_at(log: EventLog, dates: tuple[int, ...], churn: Churn, *, repeated: bool = True) -> Examples:
    """Users seen in (as_of - lookback, as_of] on each date, labelled by (as_of, as_of + horizon].

    Where events have groups, only those whose horizon ends before the newest event of their groups: nobody comes back
    to a site that is closed. Where labels are weighted, those of treated users are left out, and others are repeated as
    often as they count.

    Args:
        log: the events.
        dates: as_of dates, µs.
        churn: the horizon and the lookback.
        repeated: False: each label once.
    """
    found = [_at(log, date, churn, labelled=True, repeated=repeated) for date in dates]
    merged = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    order = np.argsort(merged[0], kind="stable")
    return Examples(*(part[order] for part in merged))


def came_back(times: Ints, offsets: Ints, examples: Examples, seconds: float) -> Bools:
    """(E,) whether the user's next event came within so many seconds of as_of.

    Args:
        times: (T,) of the log, µs.
        offsets: (N + 1,) where each user begins.
        examples: E examples.
        seconds: from as_of on.
    """
    at = examples.position
    following = np.minimum(at + 1, len(times) - 1)
    same_user = following < offsets[np.searchsorted(offsets, at, "right")]
    as_of = times[at] + np.round(examples.elapsed * US_PER_SECOND).astype(np.int64)
    return (following > at) & same_user & (times[following] <= as_of + round(seconds * US_PER_SECOND))


def examples_of(log: EventLog, churn: Churn, *parts: Group, repeated: bool = True) -> Examples:
    """The examples of these parts of the churn labels: their dates, and of these the users that belong to them."""
    found = examples_at(log, dates_of(churn, *parts), churn, repeated=repeated)
    if not churn.by_users:
        return found
    return found.among(np.isin(groups(log)[log.rows[found.position]], parts))


def dates_of(churn: Churn, *parts: Group) -> tuple[int, ...]:
    """The as_of dates of these parts, oldest first."""
    dates = {Group.TRAIN: churn.train, Group.VALIDATION: churn.validation, Group.TEST: churn.test}
    return tuple(sorted({date for part in parts for date in dates[part]}))


def censored_at_end(log: EventLog, churn: Churn, high_water: int) -> int:
    """Users in the lookback at the high-water mark: their label lies in the future, so they are left out.

    Where events have groups, at that of their groups.
    """
    if log.known_until is None:
        return len(_at(log, high_water, churn)[0])
    last = log.offsets[1:] - 1
    silence = log.known_until[last] - log.times[last]
    return log.users if churn.lookback is None else int((silence < churn.lookback).sum())


def weighting_of(log: EventLog, churn: Churn) -> dict[str, Any]:
    """What interventions change in the labels of all dates, for a model's notes.

    Returns "labels"; "left_out", of treated users; "of_them_without_chance", for whom nobody was held out; "weighted",
    that count more than once; "clipped", that would count more than "most" times; and "from".
    """
    noted: dict[str, Any] = {"from": "interventions", "most": MOST}
    names = ("labels", "left_out", "of_them_without_chance", "weighted", "clipped")
    sums = np.zeros(len(names), np.int64)
    for date in dates_of(churn, *Group):
        last = _at(log, date, churn, labelled=True, weighted=False)[0]
        found = _counted(log, date, churn, last)
        parts = (found.weights == 0, found.treated_surely, found.weights > 1, found.clipped)
        sums += np.array([len(last), *(int(part.sum()) for part in parts)])
    return noted | dict(zip(names, sums.tolist(), strict=True))


def choose_churn(
    log: EventLog, base: Periods, horizon: float | None, lookback: float | None
) -> tuple[Periods | None, str]:
    """(Periods with churn dates, "") or (None, why there is no churn head).

    horizon, lookback: seconds; None chooses: the horizon is what nine of ten returns between visits stay below,
    in whole days and at most a fifth of the span; the lookback is two horizons.
    Raises TrainingError if the data cannot support the horizon that was asked for.
    """
    gaps, returning = visit_gaps(log, base.t1, _VISIT)
    if horizon is None:
        if returning < _MIN_RETURNING:
            return None, f"only {returning:.1%} of users come back for a second visit, so absence says nothing"
        periods = _periods(log, _sensible_horizon(gaps, base), lookback)
    else:
        periods = _periods(log, round(horizon * US_PER_SECOND), lookback)
    problem = "the events span too short a time for it"
    if periods is not None:
        problem = _degenerate(log, periods) if horizon is None else _unlabelled(log, periods)
    if not problem:
        return periods, ""
    if horizon is None:
        return None, problem
    if periods is not None:
        raise TrainingError(
            f"a churn horizon of {_days(horizon * US_PER_SECOND)} cannot be trained: {problem}: ask for another one "
            f"({_days(_sensible_horizon(gaps, base))} is what the usual time between visits suggests), or for none, "
            "which trains without a churn head where no horizon fits"
        )
    longest = longest_horizon(log.times)
    raise TrainingError(
        f"a churn horizon of {_days(horizon * US_PER_SECOND)} cannot be trained: {problem}. The events span "
        f"{_days(base.high_water - base.first)}; a horizon of at most {_days(longest)} fits, and one of "
        f"{_days(_sensible_horizon(gaps, base))} would be chosen if none were asked for"
    )


def _periods(log: EventLog, horizon: int, lookback: float | None) -> Periods | None:
    if lookback is None:
        back: int | None = 2 * horizon
    else:
        back = round(lookback * US_PER_SECOND) if np.isfinite(lookback) else None
    return with_churn(log.times, horizon, back)


def _sensible_horizon(gaps: Ints, base: Periods) -> int:
    span = base.high_water - base.first
    usual = int(np.quantile(gaps, 0.9)) if len(gaps) else span // 5
    horizon = min(usual, span // 5)
    unit = _DAY if horizon >= _DAY else _DAY // 24
    return max(horizon // unit, 1) * unit if horizon >= unit else max(horizon, 1)


def _unlabelled(log: EventLog, periods: Periods) -> str:
    """Why a horizon that was asked for has no labels, or an empty text. Labels of one kind are labels."""
    assert periods.churn is not None  # noqa: S101
    for part, least in ((Group.TRAIN, _MIN_CLASS), (Group.TEST, _MIN_CLASS_LATER)):
        labelled = len(examples_of(log, periods.churn, part, repeated=False))
        if labelled < least:
            return f"only {labelled} users can be labelled in the {_NAMES[part]}, and at least {least} are needed"
    return ""


def _degenerate(log: EventLog, periods: Periods) -> str:
    """Why the labels teach nothing, or an empty text."""
    assert periods.churn is not None  # noqa: S101
    parts = [(Group.TRAIN, _MIN_CLASS), (Group.TEST, _MIN_CLASS_LATER)]
    if not periods.by_users:
        parts.insert(1, (Group.VALIDATION, _MIN_CLASS_LATER))
    for part, least in parts:
        churned = examples_of(log, periods.churn, part, repeated=False).churned
        gone, stayed = int(churned.sum()), int((~churned).sum())
        if min(gone, stayed) < least:
            return (
                f"in the {_NAMES[part]} {gone} users churned and {stayed} stayed; at least {least} of each are needed"
            )
    return ""


def _at(
    log: EventLog, date: int, churn: Churn, *, labelled: bool = False, weighted: bool = True, repeated: bool = False
) -> tuple[Ints, npt.NDArray[np.float64], npt.NDArray[np.bool_], Ints]:
    before = np.append(0, np.cumsum(log.times <= date))
    seen = before[log.offsets[1:]] - before[log.offsets[:-1]]  # (N,) events up to the date
    start = date - churn.lookback if churn.lookback is not None else np.iinfo(np.int64).min
    last = log.offsets[:-1] + seen - 1
    users = np.flatnonzero((seen > 0) & (log.times[last] > start))
    if labelled and log.known_until is not None:
        users = users[log.known_until[last[users]] >= date + churn.horizon]
    last, seen = last[users], seen[users]
    following = np.minimum(last + 1, len(log.times) - 1)
    another = (last + 1 < log.offsets[1:][users]) & (log.times[following] <= date + churn.horizon)
    elapsed = (date - log.times[last]).astype(np.float64) / US_PER_SECOND
    found = last, elapsed, ~another, seen
    if not (labelled and weighted) or log.treatments is None:
        return found
    weights = _counted(log, date, churn, last).weights
    often = copies(weights, _hashes(log)[users], date) if repeated else (weights > 0).astype(np.int64)
    last, elapsed, gone, seen = (np.repeat(each, often) for each in found)
    return last, elapsed, gone, seen


def _counted(log: EventLog, date: int, churn: Churn, last: Ints) -> Counted:
    """How often labels count. last: (U,) the last events of users up to the date."""
    assert log.treatments is not None  # noqa: S101 - the caller looked
    users = np.searchsorted(log.offsets, last, "right") - 1
    following = np.minimum(last + 1, len(log.times) - 1)
    comes = np.where(last + 1 < log.offsets[1:][users], log.times[following], np.iinfo(np.int64).max)
    return log.treatments.count(date, users, np.minimum(comes, date + churn.horizon))


def _hashes(log: EventLog) -> npt.NDArray[np.uint32]:
    return hashes_of(range(log.users)) if log.ids is None else log.ids


def _days(microseconds: float) -> str:
    days = microseconds / _DAY
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.2g} hours"
