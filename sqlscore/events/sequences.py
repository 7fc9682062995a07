"""Sequences of events in columns, and how stretches of columns are taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.columns import column_of
from sqlscore.events.mapping import NO_TIME


@dataclass(frozen=True)
class Sequences:
    """N sequences with T events in all: sequence i is `[offsets[i], offsets[i + 1])` of every column.

    Attributes:
        actions: (T,) texts, or a dictionary of texts.
        times: int64 (T,), µs since 1970 in UTC; NO_TIME throughout for plain lists of actions.
        offsets: int64 (N + 1,).
        features: columns (T,): the mapped extra columns that were there, by the user's names.
        plain: whether these are lists of actions alone, which have neither times nor features.
        high_water: int64 (N,), the newest event of any group that the sequence has events of, NO_TIME where that is not
            known; None if nothing says it.
    """

    actions: pa.Array
    times: Ints
    offsets: Ints
    features: dict[str, pa.Array]
    plain: bool = False
    high_water: Ints | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """(N,) events of each sequence."""
        return np.diff(self.offsets)

    def select(self, chosen: Ints) -> Sequences:
        """The sequences of these indices, in that order."""
        taken = self._take(*stretches(self.offsets[chosen], self.lengths[chosen]))
        return taken if self.high_water is None else replace(taken, high_water=self.high_water[chosen])

    def newest(self, limit: int) -> Sequences:
        """Each sequence cut to its newest `limit` events."""
        lengths = np.minimum(self.lengths, limit)
        if lengths.sum() == self.offsets[-1]:
            return self
        return self._take(*stretches(self.offsets[1:] - lengths, lengths))

    def _take(self, rows: Ints, offsets: Ints) -> Sequences:
        indices = column_of(rows)
        features = {name: column.take(indices) for name, column in self.features.items()}
        return Sequences(self.actions.take(indices), self.times[rows], offsets, features, self.plain, self.high_water)


def offsets_of(lengths: npt.NDArray[np.integer]) -> Ints:
    """(N,) lengths -> (N + 1,) offsets."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def stretches(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """The indices in stretches [start, start + length) of a column, one stretch after the other.

    Args:
        starts: int64 (N,), the first index of each stretch; stretches may overlap.
        lengths: int64 (N,), how many indices each has.

    Returns:
        int64 (T,), the indices; and int64 (N + 1,), the offsets that cut them into the stretches again.
    """
    offsets = offsets_of(lengths)
    shift = np.repeat(starts - offsets[:-1], lengths)  # from an index's place among all to the index
    return shift + np.arange(offsets[-1]), offsets


def newest_each(times: Ints, offsets: Ints) -> Ints:
    """int64 (T,) times, (N + 1,) offsets -> (N,) the newest of each sequence, NO_TIME of an empty one."""
    filled = np.diff(offsets) > 0
    newest = np.full(len(offsets) - 1, NO_TIME, np.int64)
    if filled.any():
        newest[filled] = np.maximum.reduceat(times, offsets[:-1][filled])
    return newest
