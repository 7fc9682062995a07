"""The newest states of one model under their keys, in arrays: thousands are found or kept by a few operations."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.scoring.cache.keys import Words
from sqlscore.scoring.states import States

PROBES = 8
"""Places of the index where a key may stand; at most a quarter of all are taken. If none is free, it is not found."""

_BYTES = 16 + 16 + 16 + 64  # key, clock, counts and up to eight places of the index

_EMPTY = -1


class StateRing:
    """At most `capacity` states; the oldest make room. Equal keys must mean equal states.

    Writes are numbered: number n is in slot n % capacity, and the index, an open-addressing hash table, holds numbers.
    One whose slot has been written since is too old to be found, so that nothing is ever deleted.
    """

    def __init__(self, width: int, max_bytes: int) -> None:
        self.capacity = max(1, max_bytes // (4 * width + _BYTES))
        self._index = np.full(1 << (4 * self.capacity - 1).bit_length(), _EMPTY, np.int64)
        self._mask = np.uint64(len(self._index) - 1)
        self._keys = np.empty((self.capacity, 2), np.uint64)
        self._hidden = np.empty((self.capacity, width), np.float32)
        self._clock = np.empty((self.capacity, 2), np.int64)
        self._counts = np.empty((self.capacity, 2), np.int64)
        self._written = 0

    def __len__(self) -> int:
        return min(self._written, self.capacity)

    def find(self, keys: Words) -> Ints:
        """(N, 2) keys -> (N,) slots, -1 for a key that is not there."""
        slot_of, open_ = np.full(len(keys), _EMPTY, np.int64), np.arange(len(keys))
        for probe in range(PROBES):
            numbers = self._index[self._places(keys[open_], probe)]
            live = numbers >= max(0, self._written - self.capacity)
            slots = numbers % self.capacity
            same = live & (self._keys[slots] == keys[open_]).all(1)
            slot_of[open_[same]] = slots[same]
            open_ = open_[~same & (numbers != _EMPTY)]
            if len(open_) == 0:
                break
        return slot_of

    def read(self, slots: Ints) -> States:
        """The states in these slots."""
        counts = self._counts[slots]
        return States(self._hidden[slots], self._clock[slots], counts[:, 0], counts[:, 1])

    def write(self, keys: Words, states: States) -> None:
        """Keep the states, whose keys all differ; only the last ones if there is no room for all."""
        skip = max(0, len(keys) - self.capacity)
        keys = keys[skip:]
        columns = (
            (self._keys, keys),
            (self._hidden, states.hidden[skip:]),
            (self._clock, states.clock[skip:]),
            (self._counts, np.stack([states.n_events[skip:], states.n_unknown[skip:]], 1)),
        )
        at = self._written % self.capacity
        before_wrap = min(len(keys), self.capacity - at)
        for kept, new in columns:
            kept[at : at + before_wrap] = new[:before_wrap]
            kept[: len(keys) - before_wrap] = new[before_wrap:]
        numbers = self._written + np.arange(len(keys))
        self._written += len(keys)
        left = np.arange(len(keys))
        for probe in range(PROBES):
            places = self._places(keys[left], probe)
            free = self._index[places] < max(0, self._written - self.capacity)
            self._index[places[free]] = numbers[left[free]]  # of several that want one place the last has it
            left = left[self._index[places] != numbers[left]]
            if len(left) == 0:
                break

    def _places(self, keys: Words, probe: int) -> Ints:
        return ((keys[:, 0] + np.uint64(probe)) & self._mask).astype(np.int64)
