"""Encoded states by the content of their events: bounded, per model, never by position or query.

The engine evaluates a filter and a projection apart, and two functions over one window frame too; what is encoded
twice in a query is found here the second time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.artifact import Artifact, States
from sqlscore.batch import Batch
from sqlscore.events import Inputs
from sqlscore.sequences import Sequences

MAX_BYTES = int(os.environ.get("SQLSCORE_CACHE_MB", "256")) * 2**20
"""At most; the environment variable, 0 for no cache, is read when the first model is used."""

MAX_MODELS = 4

_Words = npt.NDArray[np.uint64]


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
        self._rings: OrderedDict[str, _Ring] = OrderedDict()
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    def clear(self) -> None:
        """Forget everything, as erasing a user asks for: keys do not say whose events they were."""
        with self._lock:
            self._rings.clear()

    def info(self) -> CacheInfo:
        """Entries, bound, hits and misses."""
        with self._lock:
            return CacheInfo(sum(len(ring) for ring in self._rings.values()), self.max_bytes, self._hits, self._misses)

    def encode(self, artifact: Artifact, sequences: Sequences) -> tuple[States, int]:
        """States of the sequences, and how many of them had to be encoded."""
        batch = artifact.batch(sequences)
        if self.max_bytes == 0:
            return artifact.encode_prepared(sequences, batch), len(sequences)
        keys = content_keys(batch, artifact.manifest.inputs, sequences.lengths)
        with self._lock:
            ring = self._ring(artifact)
            slots = np.array([ring.slots.get(key, -1) for key in keys], np.int64)
            known = ring.read(slots[slots >= 0])
        first: dict[bytes, int] = {}
        missing = [i for i in np.flatnonzero(slots < 0).tolist() if first.setdefault(keys[i], i) == i]
        with self._lock:
            self._hits += len(keys) - len(missing)
            self._misses += len(missing)
        if len(missing) == len(keys):
            states = artifact.encode_prepared(sequences, batch)
            self._write(artifact, keys, states)
            return states, len(missing)
        if missing:
            fresh = artifact.encode(sequences.select(np.array(missing)))
            self._write(artifact, [keys[i] for i in missing], fresh)
            known = _concatenate(known, fresh)
        place = {keys[i]: int((slots >= 0).sum()) + n for n, i in enumerate(missing)}
        order = np.cumsum(slots >= 0) - 1
        rows = np.array([order[i] if slots[i] >= 0 else place[keys[i]] for i in range(len(keys))], np.int64)
        return known.take(rows), len(missing)

    def _ring(self, artifact: Artifact) -> _Ring:
        key = f"{artifact.sha256}/{artifact.device}"
        if key not in self._rings:
            self._rings[key] = _Ring(artifact.manifest.state_size, self.max_bytes // MAX_MODELS)
            if len(self._rings) > MAX_MODELS:
                self._rings.popitem(last=False)
        self._rings.move_to_end(key)
        return self._rings[key]

    def _write(self, artifact: Artifact, keys: list[bytes], states: States) -> None:
        with self._lock:
            self._ring(artifact).write(keys, states)


class _Ring:
    """The newest states of one model; the oldest make room."""

    def __init__(self, width: int, max_bytes: int) -> None:
        self.capacity = max(1, max_bytes // (4 * width + 160))  # 160: clock, counts, key and its dict entry
        self.slots: dict[bytes, int] = {}
        self._keys: list[bytes | None] = []
        self._hidden = np.empty((self.capacity, width), np.float32)
        self._clock = np.empty((self.capacity, 2), np.int64)
        self._counts = np.empty((self.capacity, 2), np.int64)
        self._next = 0

    def __len__(self) -> int:
        return len(self.slots)

    def read(self, slots: npt.NDArray[np.int64]) -> States:
        counts = self._counts[slots]
        return States(
            torch.from_numpy(self._hidden[slots]), torch.from_numpy(self._clock[slots]), counts[:, 0], counts[:, 1]
        )

    def write(self, keys: list[bytes], states: States) -> None:
        keys = keys[-self.capacity :]
        skip = len(states) - len(keys)
        slots = (self._next + np.arange(len(keys))) % self.capacity
        for key, slot in zip(keys, slots.tolist(), strict=True):
            if slot < len(self._keys):
                old = self._keys[slot]
                if old is not None and self.slots.get(old) == slot:
                    del self.slots[old]
                self._keys[slot] = key
            else:
                self._keys.append(key)
            self.slots[key] = slot
        self._hidden[slots] = states.hidden[skip:].numpy()
        self._clock[slots] = states.clock[skip:].numpy()
        self._counts[slots, 0] = states.n_events[skip:]
        self._counts[slots, 1] = states.n_unknown[skip:]
        self._next = int((self._next + len(keys)) % self.capacity)


def content_keys(batch: Batch, inputs: Inputs, lengths: npt.NDArray[np.int64]) -> list[bytes]:
    """(N,) 128-bit keys of what the model reads of each sequence, order and number of events included.

    Two sums, modulo 2^64, of mixed event words; the mix is SplitMix64's (Steele, Lea, Flood 2014).
    """
    offsets = batch.offsets.numpy()
    starts, stops = offsets[:-1], offsets[1:]
    position = np.arange(offsets[-1]) - np.repeat(starts, stops - starts)
    categories = batch.categories.numpy()
    words = _mix(_named(categories[:, 0], batch, len(inputs.actions)) ^ _mix(position.view(np.uint64)))
    words = _mix(words + batch.times.numpy().view(np.uint64))
    for column in range(1, categories.shape[1]):
        words = _mix(words + np.ascontiguousarray(categories[:, column]).view(np.uint64))
    numbers = batch.numbers.numpy()
    for column in range(numbers.shape[1]):
        words = _mix(words + np.ascontiguousarray(numbers[:, column]).view(np.uint32).astype(np.uint64))
    keys = np.empty((len(lengths), 2), np.uint64)
    for half, seed in enumerate((0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)):
        mixed = np.append(np.uint64(0), np.cumsum(_mix(words ^ np.uint64(seed)), dtype=np.uint64))
        keys[:, half] = _mix((mixed[stops] - mixed[starts]) ^ lengths.astype(np.uint64))
    packed: list[bytes] = keys.view("V16").reshape(-1).tolist()
    return packed


def _named(codes: npt.NDArray[np.int64], batch: Batch, known: int) -> _Words:
    """Action codes, with those of unseen actions, which differ by batch, replaced by a hash of what they say."""
    words = np.ascontiguousarray(codes).astype(np.uint64)
    unseen = codes > known
    if unseen.any():
        grams, offsets = batch.novel_values.numpy(), batch.novel_offsets.numpy()
        names = [
            int.from_bytes(hashlib.blake2b(grams[a:b].tobytes(), digest_size=8).digest(), "little")
            for a, b in zip(offsets[:-1], offsets[1:], strict=True)
        ]
        words[unseen] = np.array(names, np.uint64)[codes[unseen] - known - 1]
    return words


def _mix(words: _Words) -> _Words:
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _concatenate(a: States, b: States) -> States:
    return States(
        torch.cat([a.hidden, b.hidden]),
        torch.cat([a.clock, b.clock]),
        np.append(a.n_events, b.n_events),
        np.append(a.n_unknown, b.n_unknown),
    )


STATES = StateCache()
"""One for the process: a key says which model and which events, whatever database they are in."""
