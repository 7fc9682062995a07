"""The thread that runs, and how it is brought to an end."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.serving import jobs
from sqlscore.serving.logs import LOG
from sqlscore.serving.notices import RunEnded, Tell, described
from sqlscore.serving.steps import Job
from sqlscore.serving.stopping import Stop

_LAST_NOTE = 1.0
"""Seconds for the record of a run that is cut off: the engine may be too busy to take it."""


class Worker:
    """Runs a job, one run at a time, on a connection that is opened again if it broke."""

    def __init__(self, job: Job, open_file: Callable[[], duckdb.DuckDBPyConnection], tell: Tell) -> None:
        """Open the file.

        Args:
            job: what a run does.
            open_file: opens a connection; called here, and again if the connection broke.
            tell: receives the events of all runs.
        """
        self._job = job
        self._open = open_file
        self._tell = tell
        self._stop = Stop()
        self._idle = threading.Event()
        self._idle.set()
        self._deciding = threading.Lock()
        self.con = open_file()

    def run(self) -> None:
        """Run once; raises nothing."""
        with self._deciding:
            if self._stop.asked:
                return
            self._idle.clear()
        began = now()
        try:
            self._ensure_open()
            jobs.run(self.con, self._job, self._stop, self._tell)
        except Exception as error:  # noqa: BLE001 - the record of the run could not be written: the next run may do better
            LOG.error("run failed: %s", described(error))
            self._tell(RunEnded("failed", began, now(), ()))
        finally:
            return_memory()
            self._idle.set()

    def wind_down(self, seconds: float) -> None:
        """Let the current step finish; cancel it after half of the time; end the process after all of it.

        What is not committed by then, the engine rolls back when the file is opened next.
        """
        with self._deciding:
            self._stop.ask()
        if self._idle.wait(seconds / 2):
            return
        self._stop.cancel()
        if self._idle.wait(seconds / 2):
            return
        LOG.warning("the current step did not end within %g s: it is rolled back", seconds)
        noting = threading.Thread(target=self._note_end, daemon=True)
        noting.start()
        noting.join(_LAST_NOTE)
        leave(0)

    def close(self) -> None:
        """Close the file."""
        with suppress(duckdb.Error):
            self.con.close()

    def _note_end(self) -> None:
        with suppress(duckdb.Error):  # if it cannot be noted now, the next start does it
            jobs.cut_off(self.con)

    def _ensure_open(self) -> None:
        try:
            one(self.con, "SELECT count(*) FROM sqlscore.meta")
        except duckdb.Error as error:
            LOG.warning("the connection broke and is opened again: %s", described(error))
            self.close()
            self.con = self._open()


def return_memory() -> None:
    """Give freed memory back to the system if the C library can: a server waits for longer than it works."""
    with suppress(AttributeError, OSError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def leave(code: int) -> None:
    """End the process at once, whatever its threads are doing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError):
            stream.flush()
    os._exit(code)
