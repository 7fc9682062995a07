"""How fast a model scores: the same users for every model, one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.experiments.arena import Arena
from sqlscore.experiments.gbm import Boosted, probabilities
from sqlscore.experiments.gbm_features import source_of
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.torch_heads import action_probabilities
from sqlscore.training.data.encoding import cut_batch, encode_log, ordered_batches

_TIMED_EVENTS, _TIMED_USERS, _REPEATS = 50_000, 2_000, 3


def events_per_second(arena: Arena, model: Artifact | Boosted) -> float:
    """Events of a sample of users over the processor seconds of one thread that score those users once, warmed.

    From ready tensors to the probabilities of the next action; a model that reads a window is timed on the window.
    """
    random = np.random.default_rng(0)
    chosen = random.permutation(arena.log.users)[:_TIMED_USERS]
    lengths = arena.log.lengths[chosen]
    chosen = np.sort(chosen[np.cumsum(lengths) - lengths < _TIMED_EVENTS])
    starts, ends = arena.log.offsets[chosen], arena.log.offsets[chosen + 1]
    run = _timed_trees(arena, model, ends - 1) if isinstance(model, Boosted) else _timed(arena, model, starts, ends)
    run()
    seconds = []
    for _ in range(_REPEATS):
        began = time.thread_time()
        run()
        seconds.append(time.thread_time() - began)
    return float((ends - starts).sum() / max(min(seconds), 1e-9))


def _timed(arena: Arena, model: Artifact, starts: Ints, ends: Ints) -> Callable[[], None]:
    inputs = model.manifest.inputs
    data = arena.data if inputs == arena.inputs else encode_log(arena.log, inputs)
    if model.manifest.max_events is not None:
        starts = np.maximum(starts, ends - model.manifest.max_events)
    batches = [cut_batch(data, starts[group], ends[group])[0] for group in ordered_batches(ends - starts, 16_384)]

    def run() -> None:
        for batch in batches:
            action_probabilities(model, model.encode_batch(batch)[0])

    return run


def _timed_trees(arena: Arena, model: Boosted, last: Ints) -> Callable[[], None]:
    source = source_of(arena.data)

    def run() -> None:
        probabilities(model, source, last)

    return run
