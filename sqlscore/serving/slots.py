"""A timetable as APScheduler knows it. The one file that imports it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from sqlscore.serving.timetable import Timetable, next_run

_CHATTY = ("apscheduler.executors.default", "apscheduler.scheduler")


class _Slots(BaseTrigger):  # type: ignore[misc]  # the library has no types
    def __init__(self, table: Timetable) -> None:
        self._table = table

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """As the base class wants it; aware moments."""
        return next_run(self._table, previous_fire_time or now, now)


def scheduled(
    work: Callable[[], None], table: Timetable, begin: datetime, skipped: Callable[[], None]
) -> tuple[BackgroundScheduler, Job]:
    """A scheduler, not started, that calls `work` in one thread; a slot that comes while it runs is `skipped`.

    Slots that were missed, because the machine slept, are made up for by one run.
    """
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)  # what they tell of runs, the log tells already
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=UTC)
    job = scheduler.add_job(
        work, _Slots(table), next_run_time=begin, max_instances=1, coalesce=True, misfire_grace_time=None
    )
    scheduler.add_listener(lambda _: skipped(), EVENT_JOB_MAX_INSTANCES)
    return scheduler, job
