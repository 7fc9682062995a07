"""Horizons as verbs take them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlscore.errors import TrainingError
from sqlscore.times import in_words, to_seconds

Span = str | float | timedelta


def spans_of(horizon: Span | None, horizons: str | Sequence[Span] | None) -> tuple[float | None, tuple[float, ...]]:
    """(seconds of the longest horizon, of the shorter ones, rising).

    Args:
        horizon: The longest one; None takes it from `horizons`.
        horizons: Several, or text with commas between them.

    Raises TrainingError if `horizon` is shorter than one of the others.
    """
    given: Sequence[Span] = horizons or ()
    listed = given.split(",") if isinstance(given, str) else given
    every = sorted({seconds for each in listed if (seconds := to_seconds(each)) is not None})
    longest = to_seconds(horizon)
    if not every:
        return longest, ()
    if longest is not None and longest < every[-1]:
        raise TrainingError(
            f"horizon is {in_words(longest)}, and horizons reach {in_words(every[-1])}: churn_risk alone is within "
            "the longest, so leave out horizon (--horizon)"
        )
    longest = every[-1] if longest is None else longest
    return longest, tuple(seconds for seconds in every if seconds < longest)
