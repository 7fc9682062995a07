"""SIGTERM and SIGINT as an event that a server waits for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlscore.serving.worker import leave


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process at once."""
    asked = threading.Event()
    signalled: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        if signalled:
            leave(128 + number)
        signalled.append(number)
        asked.set()

    before: dict[signal.Signals, Any] = {number: signal.signal(number, hear) for number in _SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
