"""Batches for training: which windows go together, and threads that cut them while the model learns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from sqlscore.sequences import Ints
from sqlscore.training.windows import Windows

EVENTS_PER_BATCH = (512, 8_192)
STEPS_AT_LEAST = 20
_STEPS_PER_EPOCH = 60
_AHEAD = 3  # batches that wait for the model, for each thread
Job = TypeVar("Job")
Made = TypeVar("Made")


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


def in_advance(make: Callable[[Job], Made], jobs: Iterable[Job], threads: int) -> Iterator[Made]:
    """What `make` makes of each job, in their order, made by other threads a few jobs ahead; 0 threads: when asked.

    `make` runs in several threads at once. numpy and torch let go of the interpreter while they copy, so that cutting
    a batch overlaps with learning from the one before.
    """
    if threads < 1:
        yield from map(make, jobs)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="sqlscore-loading") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(make, job))
                if len(waiting) > _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _once(train: Windows, events: int, random: np.random.Generator) -> list[Ints]:
    mixed = random.permutation(len(train.starts))
    noisy = train.lengths[mixed] * random.uniform(0.8, 1.25, len(mixed))
    by_length = mixed[np.argsort(noisy, kind="stable")]
    lengths = train.lengths[by_length]
    group = (np.cumsum(lengths) - lengths) // events
    parts = np.split(by_length, np.flatnonzero(np.diff(group)) + 1)
    return [parts[i] for i in random.permutation(len(parts))]
