"""What a judged output is: its moment, its labels, and the leaks of its columns."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sqlscore.linting.observations import Output
from sqlscore.linting.values import Moment, Read
from sqlscore.linting.zones import SECONDS


@dataclass(frozen=True, eq=False)
class Leak:
    """A value of a row that depends on what may have come after the row's moment.

    Attributes:
        output: the rows.
        column: its name; "" for whether the row is there at all.
        read: what is read.
        reach: seconds after the moment up to which is read; None if nothing bounds it.
        future: whether all that is read is later.
        moment: the row's moment.
        node: the expression.
        beside: the labels beside it.
    """

    output: Output
    column: str
    read: Read
    reach: float | None
    future: bool
    moment: Moment
    node: exp.Expr
    beside: tuple[str, ...]

    @property
    def kind(self) -> str:
        """How it came to be read."""
        return self.read.origin.kind


@dataclass(frozen=True, eq=False)
class Label:
    """A label of a row, and how early what it reads begins: seconds before the row's moment, None if not known."""

    output: Output
    column: str
    read: Read
    before: float | None
    node: exp.Expr


@dataclass(frozen=True, eq=False)
class Judged:
    """An output with its moment, its labels and its leaks."""

    output: Output
    moment: Moment | None
    labels: tuple[str, ...]
    leaks: tuple[Leak, ...]
    early: tuple[Label, ...]
    shared: bool
    has_user: bool


def in_words(seconds: float) -> str:
    """A span of time as people say it."""
    for unit in ("day", "hour", "minute"):
        if abs(seconds) >= SECONDS[unit]:
            number = round(seconds / SECONDS[unit], 2)
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:g} seconds"
