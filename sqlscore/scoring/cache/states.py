"""Encoded states by the content of their events: bounded, per model, never by position or query.

The engine evaluates a filter and a projection apart, and two functions over one window frame too; what is encoded
twice in a query is found here the second time.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.cache.calls import RecentCalls
from sqlscore.scoring.cache.keys import Words, content_keys
from sqlscore.scoring.cache.ring import StateRing
from sqlscore.scoring.states import States

MAX_BYTES = int(os.environ.get("SQLSCORE_CACHE_MB", "256")) * 2**20
"""At most; the environment variable, 0 for no cache, is read when the first model is used."""

MAX_MODELS = 4


@dataclass(frozen=True)
class CacheInfo:
    """What the cache did so far."""

    entries: int
    max_bytes: int
    hits: int
    misses: int


class StateCache:
    """States of the newest lists that were encoded, by 128 bits of their content. Safe to call from several threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.calls = RecentCalls()
        self._rings: OrderedDict[str, StateRing] = OrderedDict()
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    def clear(self) -> None:
        """Forget everything, as erasing a user asks for: keys do not say whose events they were."""
        self.calls.clear()
        with self._lock:
            self._rings.clear()

    def info(self) -> CacheInfo:
        """Entries, bound, hits and misses."""
        with self._lock:
            return CacheInfo(sum(len(ring) for ring in self._rings.values()), self.max_bytes, self._hits, self._misses)

    def count_hits(self, hits: int) -> None:
        """Count states that `calls` had."""
        with self._lock:
            self._hits += hits

    def encode(self, artifact: Artifact, sequences: Sequences) -> tuple[States, int]:
        """States of the sequences, and how many of them had to be encoded."""
        columns = artifact.columns(sequences)
        if self.max_bytes == 0:
            return artifact.encode(sequences, columns=columns), len(sequences)
        keys = content_keys(columns, artifact.manifest.inputs, sequences.lengths)
        with self._lock:
            ring = self._ring(artifact)
            slots = ring.find(keys)
            known = ring.read(slots[slots >= 0])
        missing, place = _first_of_each(keys, np.flatnonzero(slots < 0))
        with self._lock:
            self._hits += len(keys) - len(missing)
            self._misses += len(missing)
        if len(missing) == len(keys):
            states = artifact.encode(sequences, columns=columns)
            self._write(artifact, keys, states)
            return states, len(missing)
        if len(missing):
            fresh = artifact.encode(sequences.select(missing))
            self._write(artifact, keys[missing], fresh)
            known = known.concatenate(fresh)
        hit = slots >= 0
        rows = np.cumsum(hit) - 1
        rows[~hit] = int(hit.sum()) + place
        return known.take(rows), len(missing)

    def _ring(self, artifact: Artifact) -> StateRing:
        key = f"{artifact.sha256}/{artifact.device}"
        if key not in self._rings:
            self._rings[key] = StateRing(artifact.manifest.state_size, self.max_bytes // MAX_MODELS)
            if len(self._rings) > MAX_MODELS:
                self._rings.popitem(last=False)
        self._rings.move_to_end(key)
        return self._rings[key]

    def _write(self, artifact: Artifact, keys: Words, states: States) -> None:
        with self._lock:
            self._ring(artifact).write(keys, states)


def _first_of_each(keys: Words, rows: Ints) -> tuple[Ints, Ints]:
    """Of these rows the first of each key, in order; and for each of the rows which of those has its key."""
    chosen = keys[rows]
    _, first, group = np.unique(chosen[:, 0], return_index=True, return_inverse=True)
    if len(first) == len(rows) or (chosen[first[group]] != chosen).any():  # half a key in common, not all of it
        return rows, np.arange(len(rows))
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rows[first[order]], rank[group]


STATES = StateCache()
"""One for the process: a key says which model and which events, whatever database they are in."""
