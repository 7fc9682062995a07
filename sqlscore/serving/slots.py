"""A timetable as APScheduler takes it. No other file imports APScheduler."""

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
        """The slot after `previous_fire_time`, as the base class wants it; moments have a zone."""
        return next_run(self._table, previous_fire_time or now, now)


def scheduled(
    work: Callable[[], None], table: Timetable, begin: datetime, skipped: Callable[[], None]
) -> tuple[BackgroundScheduler, Job]:
    """A scheduler that is not started yet, and its job. One run makes up for all slots that a sleeping machine missed.

    Args:
        work: called at each slot, in one thread.
        table: the slots.
        begin: the first run, with a zone.
        skipped: called for a slot that comes while `work` is still running.
    """
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)  # the log has a line for each run already
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=UTC)
    job = scheduler.add_job(
        work, _Slots(table), next_run_time=begin, max_instances=1, coalesce=True, misfire_grace_time=None
    )
    scheduler.add_listener(lambda _: skipped(), EVENT_JOB_MAX_INSTANCES)
    return scheduler, job
