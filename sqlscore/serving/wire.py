"""Where MySQL's clients are answered, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wire:
    """The door for MySQL's clients.

    Attributes:
        host: an address of this machine, or its name.
        port: 0 takes one that is free.
        is_open: whether others than this machine may ask.
        seconds: the time limit of a statement.
    """

    host: str
    port: int
    is_open: bool = False
    seconds: float = 60.0
