"""When the next run is due: at a fixed interval, or from a time of day.

APScheduler's triggers cannot say this (3.11). CronTrigger runs a daily job twice in the night when the clocks go back,
and has no expression for an interval such as 45 minutes that begins anew at 02:00. IntervalTrigger runs at another time
of day after the clocks change. CalendarIntervalTrigger leaves out the night that has no 02:30.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlscore.errors import ServingError
from sqlscore.times import in_words, to_seconds

_DAY = timedelta(days=1)
_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True)
class Timetable:
    """How often runs are due; with `at`, the time of day in `zone` at which the slots of each day begin."""

    every: timedelta
    at: time | None = None
    zone: tzinfo = UTC

    def __str__(self) -> str:
        every = f"every {in_words(self.every.total_seconds())}"
        return every if self.at is None else f"{every} from {self.at:%H:%M} ({self.zone})"


def timetable(every: str | None, at: str | None, zone: str | None = None) -> Timetable:
    """The timetable that a user writes.

    Args:
        every: the interval, such as "1h"; every day by default.
        at: the time of day from which slots are counted, such as "02:00".
        zone: of `at`, such as "Europe/Berlin"; by default this machine's.

    Raises ServingError if nothing is given, if a text is not a time, or if slots from a time of day would not fit into
    days: then an interval is a day or less, or whole days. Raises SqlscoreError if `every` is not a length of time.
    """
    if every is None and at is None:
        raise ServingError("a schedule needs an interval or a time of day: --every 1h, or --at 02:00")
    length = timedelta(seconds=to_seconds(every) or 0) if every is not None else _DAY
    if length < _SHORTEST:
        raise ServingError(f"every {every!r} is too often: the shortest interval is one second")
    if at is not None and length > _DAY and length % _DAY:
        raise ServingError(
            f"every {every!r} and at {at!r} do not go together: with a time of day, an interval is a day or less, or "
            "whole days"
        )
    return Timetable(length, None if at is None else _time_of_day(at), _zone(zone))


def first_run(table: Timetable, last_success: datetime | None, now: datetime) -> datetime:
    """When a server that starts now runs first: at once, unless there is a time of day and no slot was missed."""
    if table.at is None or last_success is None:
        return now
    return max(now, _following(table, last_success))


def next_run(table: Timetable, previous: datetime, now: datetime) -> datetime:
    """The first slot after `previous` that is in the future: one run makes up for all slots that were missed."""
    if table.at is None:
        return previous + table.every * max(1, (now - previous) // table.every + 1)
    slot = _following(table, previous)
    if table.every <= _DAY:
        return slot if slot > now else _following(table, now)
    while slot <= now:  # several days apart: each is counted from the one before
        slot = _following(table, slot)
    return slot


def _following(table: Timetable, moment: datetime) -> datetime:
    """The first slot after a moment, in UTC; slots of several days are counted from the moment's date."""
    today = moment.astimezone(table.zone).date()
    if table.every > _DAY:
        return _anchor(table, today + table.every)
    for day in (today - _DAY, today, today + _DAY):
        begin, end = _anchor(table, day), _anchor(table, day + _DAY)
        if begin > moment:
            return begin
        slot = begin + table.every * ((moment - begin) // table.every + 1)
        if table.every < _DAY and slot < end:  # a day of the clocks may have 25 hours
            return slot
    return _anchor(table, today + 2 * _DAY)


def _anchor(table: Timetable, day: date) -> datetime:
    """The time of day on a date, in UTC.

    If the clocks leave that time out, it is as many hours after midnight as on other days; if they show it twice, it
    is the first.
    """
    return datetime.combine(day, table.at or time(), table.zone).astimezone(UTC)


def _time_of_day(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise ServingError(f"{text!r} is not a time of day: write it as 02:00 or 14:30") from None


def _zone(name: str | None) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if name is not None:
            return ZoneInfo(name)
        from tzlocal import get_localzone  # comes with APScheduler, which serving needs anyway

        return get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ServingError(f"there is no time zone {name!r} ({error}): write it as Europe/Berlin or UTC") from error
    except ModuleNotFoundError:
        return datetime.now().astimezone().tzinfo or UTC
