"""Moments in time: as Python or ISO text gives them, as µs since 1970 UTC, and as text for messages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from sqlscore.errors import EventsError, SqlscoreError


def moment(value: date | str | None, parameter: str, error: type[SqlscoreError] = EventsError) -> int:
    """µs since 1970 of a time or date, in UTC where no zone is given. Raises `error` where it is none."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if not isinstance(parsed, date):
        raise error(f"{parameter} {value!r} is not a time: write it as 2024-01-31 or 2024-01-31 12:00:00")
    if isinstance(parsed, datetime) and parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    return int(np.datetime64(parsed, "us").astype(np.int64))


def iso(microseconds: int) -> str:
    """µs since 1970 as text."""
    return str(np.datetime64(int(microseconds), "us")).replace("T", " ").removesuffix(".000000")
