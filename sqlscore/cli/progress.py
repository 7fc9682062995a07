"""Progress bars on stderr, for people: silent where stderr is not a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bar:
    """What the verbs report to: `start(description, total)`, `advance(n)`, `finish()`; one task at a time.

    quiet: show nothing, whatever stderr is.
    """

    def __init__(self, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a task of `total` steps; None where nobody knows how many."""
        self.finish()
        self._progress.start()
        self._task = self._progress.add_task(description, total=total)

    def advance(self, n: float = 1) -> None:
        """`n` more steps of the task are done."""
        if self._task is not None:
            self._progress.advance(self._task, n)

    def finish(self) -> None:
        """End the task and take the bar off the screen."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()
