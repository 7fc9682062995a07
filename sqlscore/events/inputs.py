"""What a model reads of an event: its columns, in the order in which it was trained on them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Inputs:
    """The strings and columns that a model knows.

    Category codes count from 1 in the order of these tuples; 0 stands for missing or never seen.
    An action that is not in `actions` gets a code above `len(actions)`: see `Batch.novel_values`.
    """

    actions: tuple[str, ...]
    categorical: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numeric: tuple[str, ...] = ()
    sorts: dict[str, str] = field(default_factory=dict)  # of categorical columns, as `sort_of` says; absent: unknown
