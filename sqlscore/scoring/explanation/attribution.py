"""Which events a score comes from: Shapley values of the events of each sequence, for any artifact.

As in TimeSHAP (Bento et al. 2021, KDD, arXiv 2012.00073) the players are the newest events one by one and all earlier
ones together. A player is taken out by scoring the sequence without it, as if the list had been edited: it leaves no
trace, and its time is gone too, so that without the newest events the silence is longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.events.sequences import offsets_of, stretches
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, select_events
from sqlscore.scoring.explanation.beginnings import Value, values_of_subsets
from sqlscore.scoring.explanation.shapley import Design, design
from sqlscore.scoring.states import States

SINGLE = 24
"""Number of newest events that are a player each; all older events are one player together."""

_EVENTS = 1 << 16  # of a batch of subsets
_ROWS = 2_048


@dataclass(frozen=True)
class Attribution:
    """P players of N sequences: those of sequence i are [offsets[i], offsets[i + 1]), in time order."""

    weights: Floats  # (P,)
    offsets: Ints  # (N + 1,)
    event: Ints  # (P,) which event of the batch; of several together, the newest
    together: Bools  # (P,) several events


@dataclass(frozen=True)
class _Subsets:
    """R subsets of players as sequences of T events."""

    row: Ints  # (R,) whose
    at: Ints  # (R,) where their value belongs
    sizes: Ints  # (R,)
    events: Ints  # (T,) of the batch


def attribute(artifact: Artifact, batch: Batch, baseline: Floats, score: Floats, value: Value) -> Attribution:
    """Shares the difference between scores and baselines among the events of each sequence.

    Args:
        artifact: the model.
        batch: N non-empty sequences, as `artifact.batch` gives them.
        baseline: (N,), the score if nothing is known of a user.
        score: (N,), the score to explain.
        value: gives that score for any subset of the events.

    Returns:
        Weights that sum to score - baseline in each sequence.
    """
    offsets = batch.offsets.numpy()
    starts, stops = offsets[:-1], offsets[1:]
    lengths = stops - starts
    players = np.minimum(lengths, SINGLE + 1)
    designs = [design(int(n)) for n in players]
    places = offsets_of(np.array([len(d.subsets) for d in designs], np.int64))
    if artifact.manifest.fold:
        values = values_of_subsets(artifact, batch, players, starts, np.maximum(stops - SINGLE, starts), value)
    else:
        values = _one_by_one(artifact, batch, designs, places, value)
    weights = [
        d.coefficients @ np.concatenate([[baseline[i], score[i]], values[places[i] : places[i + 1]]])
        for i, d in enumerate(designs)
    ]
    event, of = stretches(stops - players, players)
    together = np.zeros(of[-1], np.bool_)
    together[of[:-1][lengths > SINGLE + 1]] = True
    return Attribution(np.concatenate([np.zeros(0), *weights]), of, event, together)


def _one_by_one(artifact: Artifact, batch: Batch, designs: list[Design], places: Ints, value: Value) -> Floats:
    """The value of each subset, of a model that reads every sequence as a whole."""
    starts, values = batch.offsets.numpy(), np.empty(places[-1])
    pieces = (
        piece
        for i, d in enumerate(designs)
        for piece in _subsets_of(d.subsets, i, int(starts[i]), int(starts[i + 1]), int(places[i]))
    )
    for some in _together(pieces):
        offsets = torch.from_numpy(offsets_of(some.sizes))
        hidden, clock = artifact.encode_batch(select_events(batch, torch.from_numpy(some.events), offsets))
        states = States(hidden.numpy(), clock.numpy(), some.sizes, np.zeros_like(some.sizes))
        values[some.at] = value(states, some.row)
    return values


def _subsets_of(subsets: Bools, row: int, start: int, stop: int, place: int) -> Iterator[_Subsets]:
    """The subsets (K, n) of one sequence [start, stop), in pieces of bounded size."""
    present = subsets
    if stop - start > SINGLE:
        earlier, present = subsets[:, :1], subsets[:, 1:]
        present = np.concatenate([np.repeat(earlier, stop - SINGLE - start, 1), present], 1)
    rows = max(1, _EVENTS // (stop - start))
    for a in range(0, len(subsets), rows):
        some = present[a : a + rows]
        of, event = np.nonzero(some)
        at = np.arange(place + a, place + a + len(some))
        yield _Subsets(np.full(len(some), row), at, np.bincount(of, minlength=len(some)), event + start)


def _together(pieces: Iterator[_Subsets]) -> Iterator[_Subsets]:
    """Pieces joined up to about _ROWS subsets or _EVENTS events: small batches that stay in cache are the fastest."""
    held: list[_Subsets] = []
    for piece in pieces:
        held.append(piece)
        if sum(len(p.row) for p in held) >= _ROWS or sum(len(p.events) for p in held) >= _EVENTS:
            yield _join(held)
            held = []
    if held:
        yield _join(held)


def _join(pieces: list[_Subsets]) -> _Subsets:
    return _Subsets(*(np.concatenate([getattr(p, name) for p in pieces]) for name in _Subsets.__dataclass_fields__))
