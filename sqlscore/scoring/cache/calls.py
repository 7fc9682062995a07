"""What the newest calls were given and gave: a chunk of a query is encoded once for all of its functions."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

import pyarrow as pa

KEPT = 8
"""Calls that are remembered: threads of the engine take turns, and each asks again at once for the chunk it is at."""

_MOST_BYTES = 32 << 20
"""Larger arguments are not kept. Comparing them is reading memory once; encoding them is some hundred times that."""


class Call(NamedTuple):
    """One call."""

    key: Hashable
    given: pa.Array
    found: pa.Array


class RecentCalls:
    """Results of the newest calls by what they were given: it is compared as a whole, not by a hash.

    The engine merges equal calls in a projection, but not over a window's frame: there each function calls anew.
    Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._calls.clear()

    def find(self, key: Hashable, given: pa.Array) -> pa.Array | None:
        """What the same call gave, None if it is not among the newest.

        Args:
            key: what the result depends on beside the argument.
            given: the argument.
        """
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            if len(call.given) == len(given) and call.key == key and call.given.equals(given):
                return call.found
        return None

    def keep(self, key: Hashable, given: pa.Array, found: pa.Array) -> None:
        """Remember a call, instead of the oldest one."""
        if len(given) and given.nbytes + found.nbytes <= _MOST_BYTES:
            with self._lock:
                self._calls.appendleft(Call(key, given, found))
