"""Ctrl-C while the engine works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import duckdb

_AGAIN_SECONDS = 0.05


def interruptible(con: duckdb.DuckDBPyConnection, work: Callable[[], object]) -> None:
    """Do `work` on another thread, so that Ctrl-C reaches this one even while the engine is busy.

    Raises what `work` raised; KeyboardInterrupt after the engine has stopped what it was doing.
    """
    raised: list[BaseException] = []
    turn, begun, cancelled, done = threading.Lock(), threading.Event(), threading.Event(), threading.Event()

    def guarded() -> None:
        with turn:
            if cancelled.is_set():
                return
            begun.set()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below, on the thread that asked
            raised.append(error)
        finally:
            done.set()

    try:  # Ctrl-C may also come while the thread starts: before its work has begun, or after
        threading.Thread(target=guarded, daemon=True).start()
        done.wait()  # an event, not Thread.join: Python 3.11 takes a thread whose join was interrupted for ended
    except KeyboardInterrupt:
        with turn:
            cancelled.set()
        if begun.is_set():
            _stop(con, done)
        raise
    if raised:
        raise raised[0]


def _stop(con: duckdb.DuckDBPyConnection, done: threading.Event) -> None:
    """Interrupt until the work ends: between two statements there is nothing to stop, and a busy engine refuses."""
    while True:
        with suppress(duckdb.Error):
            con.interrupt()
        if done.wait(_AGAIN_SECONDS):
            return
