"""Retries at growing intervals."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlscore.errors import GuardError
from sqlscore.serving.stopping import Stopped

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """How often a step is tried again, and after how long: `first` seconds, then doubled each time up to `most`."""

    retries: int = 3
    first: float = 2.0
    most: float = 300.0

    def seconds(self, retry: int, chance: float) -> float:
        """How long to wait before a retry.

        Args:
            retry: its number, from 0.
            chance: in [0, 1), takes up to half of the time off, so that several servers do not retry at once.
        """
        return min(self.most, self.first * 2.0 ** min(retry, 60)) * (1 - chance / 2)


def persist(
    work: Callable[[], T],
    backoff: Backoff,
    pause: Callable[[float], None],
    retrying: Callable[[Exception, float], None],
) -> T:
    """Return what `work` returns; raise what it raised if the last retry fails too.

    Args:
        work: what to do.
        backoff: how often to try again, and after how long.
        pause: waits so many seconds.
        retrying: called before each pause, with the error and the seconds.

    Stopped is raised at once, and so is GuardError: the same events are refused again.
    """
    for retry in range(backoff.retries):
        try:
            return work()
        except (Stopped, GuardError):
            raise
        except Exception as error:  # noqa: BLE001 - the last try, behind the loop, raises it
            seconds = backoff.seconds(retry, random.random())  # noqa: S311 - no secret depends on it
            retrying(error, seconds)
        pause(seconds)
    return work()
