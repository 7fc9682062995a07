"""How a run is asked to end: first politely, then at its next step forward."""

from __future__ import annotations

import threading


class Stopped(Exception):  # noqa: N818 - it is a wish, no error
    """A run ended before its work was done, because it was asked to."""


class Stop:
    """Asked: begin nothing new. Cancelled: end what has begun, too."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._cancelled = threading.Event()

    def ask(self) -> None:
        """Let the running step come to its end, and begin no other."""
        self._asked.set()

    def cancel(self) -> None:
        """Let the running step end where it is, which rolls its transaction back."""
        self._asked.set()
        self._cancelled.set()

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    def check(self) -> None:
        """Between two steps. Raises Stopped where the run is to end."""
        if self._asked.is_set():
            raise Stopped("the server was asked to stop")

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises Stopped as soon as the run is to end."""
        if self._asked.wait(seconds):
            self.check()

    # The protocol of a verb's `progress`, through which a verb looks up from its work.

    def start(self, description: str, total: float | None) -> None:
        """A new stage of a verb. Raises Stopped where it is cancelled."""
        self.advance(0)

    def advance(self, amount: float) -> None:
        """A piece of a stage is done. Raises Stopped where it is cancelled."""
        if self._cancelled.is_set():
            raise Stopped("the server was asked to stop, and this took too long")

    def finish(self) -> None:
        """The stage is over; what it made is kept."""
