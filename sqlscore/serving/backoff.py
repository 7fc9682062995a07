"""Trying again, later and later."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlscore.serving.stopping import Stopped

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """How often a step is tried again, and how long to wait before: from `first` seconds, doubled, to `most`."""

    retries: int = 3
    first: float = 2.0
    most: float = 300.0

    def seconds(self, retry: int, chance: float) -> float:
        """Before the n-th retry, from 0; `chance` in [0, 1) takes up to half of it off, so that not all wait alike."""
        return min(self.most, self.first * 2.0 ** min(retry, 60)) * (1 - chance / 2)


def persist(
    work: Callable[[], T],
    backoff: Backoff,
    pause: Callable[[float], None],
    retrying: Callable[[Exception, float], None],
) -> T:
    """What `work` gives, or what it raised when the last retry failed too.

    pause(seconds) waits; retrying(error, seconds) is told before. Stopped is never tried again.
    """
    for retry in range(backoff.retries):
        try:
            return work()
        except Stopped:
            raise
        except Exception as error:
            seconds = backoff.seconds(retry, random.random())  # noqa: S311 - no secret depends on it
            retrying(error, seconds)
        pause(seconds)
    return work()
