"""Batches for training: which windows go together, and threads that cut them while the model learns."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.training.data.windows import Windows

EVENTS_PER_BATCH = (512, 8_192)
STEPS_AT_LEAST = 20
_STEPS_PER_EPOCH = 60


def events_per_batch(train: Windows) -> int:
    """Small data get small batches, so that an epoch has enough steps; below a floor they only cost time."""
    floor, ceiling = EVENTS_PER_BATCH
    return max(32, min(int(np.clip(train.events // _STEPS_PER_EPOCH, floor, ceiling)), train.events // STEPS_AT_LEAST))


def shuffled(train: Windows, events: int, random: np.random.Generator) -> list[Ints]:
    """Batches of similar lengths, composed anew and in a new order each epoch; tiny data are passed several times."""
    found: list[Ints] = []
    while len(found) < STEPS_AT_LEAST:
        found += _once(train, events, random)
    return found


def _once(train: Windows, events: int, random: np.random.Generator) -> list[Ints]:
    mixed = random.permutation(len(train.starts))
    noisy = train.lengths[mixed] * random.uniform(0.8, 1.25, len(mixed))
    by_length = mixed[np.argsort(noisy, kind="stable")]
    lengths = train.lengths[by_length]
    group = (np.cumsum(lengths) - lengths) // events
    parts = np.split(by_length, np.flatnonzero(np.diff(group)) + 1)
    return [parts[i] for i in random.permutation(len(parts))]
