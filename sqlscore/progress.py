"""How a long verb reports how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run; the command line draws them as a bar."""

    def start(self, description: str, total: float | None) -> None:
        """A stage of `total` units begins; None if their number is not known."""

    def advance(self, amount: float) -> None:
        """`amount` more units of the stage are done."""

    def finish(self) -> None:
        """The stage is over."""


class Silent:
    """A Progress that shows nothing."""

    def start(self, description: str, total: float | None) -> None:
        """Do nothing."""

    def advance(self, amount: float) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class Prefixed:
    """A Progress that puts the name of one of several runs before the names of its stages."""

    def __init__(self, progress: Progress, prefix: str) -> None:
        self._progress, self._prefix = progress, prefix

    def start(self, description: str, total: float | None) -> None:
        """A stage of this run begins."""
        self._progress.start(f"{self._prefix}: {description.lower()}", total)

    def advance(self, amount: float) -> None:
        """`amount` more units of it are done."""
        self._progress.advance(amount)

    def finish(self) -> None:
        """It is over."""
        self._progress.finish()
