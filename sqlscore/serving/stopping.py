"""How a run is asked to end: first politely, then at its next step forward."""

from __future__ import annotations

import threading


class Stopped(Exception):  # noqa: N818 - a request is not an error
    """A run was asked to end, and ended before its work was done."""


class Stop:
    """A request to end a run: once asked, no step begins; once cancelled, the current step ends too."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._cancelled = threading.Event()

    def ask(self) -> None:
        """Let the current step finish, and begin no other."""
        self._asked.set()

    def cancel(self) -> None:
        """End the current step as soon as it reports progress; its transaction is rolled back."""
        self._asked.set()
        self._cancelled.set()

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raises Stopped if the run is to end; called between two steps."""
        if self._asked.is_set():
            raise Stopped("the server was asked to stop")

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopped as soon as the run is to end."""
        if self._asked.wait(seconds):
            self.check()

    # The rest is the protocol of a verb's `progress`: whenever the verb reports, it can be cancelled.

    def start(self, description: str, total: float | None) -> None:
        """A stage of a verb begins. Raises Stopped if the run is cancelled."""
        self.advance(0)

    def advance(self, amount: float) -> None:
        """A part of the stage is done. Raises Stopped if the run is cancelled."""
        if self._cancelled.is_set():
            raise Stopped("the server was asked to stop, and this took too long")

    def finish(self) -> None:
        """The stage is over."""
