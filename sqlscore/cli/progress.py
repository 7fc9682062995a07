"""Progress bars on stderr, for people: silent if stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text


class Bar:
    """A bar that verbs report to by `start(description, total)`, `advance(n)` and `finish()`; one task at a time.

    As a context manager it restores the screen, even after an error.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            _Amount(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def start(self, description: str, total: float | None = None) -> None:
        """Begin a task of `total` steps; None if their number is not known."""
        self.finish()
        self._progress.start()
        self._task = self._progress.add_task(description, total=total)

    def advance(self, n: float = 1) -> None:
        """Count `n` more steps of the task."""
        if self._task is not None:
            self._progress.advance(self._task, n)

    def finish(self) -> None:
        """End the task and take the bar off the screen."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()


@contextmanager
def working(description: str) -> Iterator[None]:
    """A bar for work that does not report its progress."""
    with Bar() as bar:
        bar.start(description)
        yield


class _Amount(ProgressColumn):
    """Steps done out of all steps, if their number is known."""

    def render(self, task: Task) -> Text:
        """Whole numbers with separators."""
        return Text(f"{task.completed:,.0f}/{task.total:,.0f}" if task.total else "")
