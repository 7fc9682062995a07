"""Moments in time: as Python or ISO text gives them, as µs since 1970 UTC, and as text for messages."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta

import numpy as np

from sqlscore.errors import EventsError, SqlscoreError
from sqlscore.excerpts import excerpt


def moment(value: date | str | None, parameter: str, error: type[SqlscoreError] = EventsError) -> int:
    """µs since 1970 of a time or date, which is in UTC if it has no zone.

    Args:
        value: a date or datetime, or ISO text.
        parameter: what the error calls it.
        error: raised if the value is not a time.
    """
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if not isinstance(parsed, date):
        raise error(f"{parameter} {excerpt(repr(value))} is not a time: write it as 2024-01-31 or 2024-01-31 12:00:00")
    if isinstance(parsed, datetime) and parsed.tzinfo is not None:
        try:
            parsed = parsed.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise error(
                f"{parameter} {excerpt(repr(value))} is before the year 1 or after 9999 in UTC: write another time"
            ) from None
    return int(np.datetime64(parsed, "us").astype(np.int64))


def iso(microseconds: int) -> str:
    """µs since 1970 as text."""
    return str(np.datetime64(int(microseconds), "us")).replace("T", " ").removesuffix(".000000")


_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "week": 604_800.0}


_LONGEST = 10_000 * 366 * 86_400.0
_SHORT = {"s": "second", "min": "minute", "h": "hour", "d": "day", "w": "week"}


def to_seconds(length: str | float | timedelta | None) -> float | None:
    """Seconds of a number of seconds, a timedelta, or text such as "14 days", "36h" or "2 weeks".

    Raises SqlscoreError if it is not a length of time, or not positive.
    """
    if length is None:
        return None
    if isinstance(length, timedelta):
        seconds = length.total_seconds()
    elif isinstance(length, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*?)s?\s*", length.casefold())
        unit = (match[2] or "second") if match else ""
        unit = _SHORT.get(unit, unit)
        if match is None or unit not in _SECONDS:
            if unit in ("month", "mon", "mo", "quarter", "year", "yr", "y"):
                raise SqlscoreError(
                    f"{excerpt(repr(length))} has no fixed length, since months and years differ: write it in days, as "
                    "'30 days' or '365 days'"
                )
            raise SqlscoreError(
                f"{excerpt(repr(length))} is not a length of time: write it as '14 days', '36 hours' or '2 weeks'"
            )
        seconds = float(match[1]) * _SECONDS[unit]
    else:
        seconds = float(length)
    if not seconds > 0:
        raise SqlscoreError(f"a length of time must be positive, found {excerpt(repr(length))}")
    if seconds > _LONGEST and length != math.inf:  # which is how a program says "ever"
        raise SqlscoreError(f"a length of time must be at most 10,000 years, found {excerpt(repr(length))}")
    return seconds


def in_words(seconds: float) -> str:
    """Seconds as the largest unit that reads well: 1209600 -> "14 days"."""
    for unit in ("day", "hour", "minute", "second"):
        count = seconds / _SECONDS[unit]
        if count >= 1 or unit == "second":
            return f"{count:.3g} {unit}{'' if count == 1 else 's'}"
    raise AssertionError
