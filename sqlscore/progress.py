"""How a long verb tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a run reports how far it is; the command line draws it as a bar."""

    def start(self, description: str, total: float | None) -> None:
        """A new stage begins; `total` units of it, None if that is not known."""

    def advance(self, amount: float) -> None:
        """So many more units of the stage are done."""

    def finish(self) -> None:
        """The stage is over."""


class Silent:
    """A Progress that shows nothing."""

    def start(self, description: str, total: float | None) -> None:
        """Nothing."""

    def advance(self, amount: float) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


class Prefixed:
    """A Progress whose stages' names begin with what they belong to, where there are several runs."""

    def __init__(self, progress: Progress, prefix: str) -> None:
        self._progress, self._prefix = progress, prefix

    def start(self, description: str, total: float | None) -> None:
        """A new stage of this run begins."""
        self._progress.start(f"{self._prefix}: {description.lower()}", total)

    def advance(self, amount: float) -> None:
        """So many more units of it are done."""
        self._progress.advance(amount)

    def finish(self) -> None:
        """It is over."""
        self._progress.finish()
