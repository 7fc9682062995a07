"""Which events a score comes from: Shapley values of the events of each sequence, for any artifact.

As in TimeSHAP (Bento et al. 2021, KDD, arXiv 2012.00073) the players are the newest events one by one and all earlier
ones together. A player is taken out by scoring the sequence without it, as if the list had been edited: it leaves no
trace, and its time is gone too, so that without the newest events the silence is longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import offsets_of, stretches
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, select_events
from sqlscore.scoring.explanation.shapley import design

SINGLE = 24
"""Number of newest events that are a player each; all older events are one player together."""

_EVENTS = 1 << 16  # of a batch of subsets
_ROWS = 2_048

Pair = tuple[torch.Tensor, torch.Tensor]
"""Hidden (N, S) and clock (N, 2) of N states."""

Value = Callable[[torch.Tensor, torch.Tensor, Ints], torch.Tensor]
"""(hidden (R, S), clock (R, 2), int64 (R,) which sequence each is a subset of) -> (R,) the score to explain."""


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
    carried: Bools  # (R,) they go on from the state after the earlier events
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
    values = np.empty(places[-1])
    before = _before(artifact, batch, starts, np.maximum(stops - SINGLE, starts))
    pieces = (
        piece
        for i, d in enumerate(designs)
        for piece in _subsets_of(d.subsets, i, int(starts[i]), int(stops[i]), int(places[i]), before is not None)
    )
    for some in _together(pieces):
        states = () if before is None else _begin(before, some)
        hidden, clock = artifact.encode_batch(_select(batch, some.events, some.sizes), *states)
        values[some.at] = value(hidden, clock, some.row).double().numpy()
    weights = [
        d.coefficients @ np.concatenate([[baseline[i], score[i]], values[places[i] : places[i + 1]]])
        for i, d in enumerate(designs)
    ]
    event, of = stretches(stops - players, players)
    together = np.zeros(of[-1], np.bool_)
    together[of[:-1][lengths > SINGLE + 1]] = True
    return Attribution(np.concatenate([np.zeros(0), *weights]), of, event, together)


def _subsets_of(subsets: Bools, row: int, start: int, stop: int, place: int, fold: bool) -> Iterator[_Subsets]:
    """The subsets (K, n) of one sequence [start, stop), in pieces of bounded size."""
    carried = np.zeros(len(subsets), np.bool_)
    present = subsets
    if stop - start > SINGLE:
        earlier, present = subsets[:, 0], subsets[:, 1:]
        if fold:
            carried, start = earlier, stop - SINGLE
        else:
            present = np.concatenate([np.repeat(earlier[:, None], stop - SINGLE - start, 1), present], 1)
    rows = max(1, _EVENTS // (stop - start))
    for a in range(0, len(subsets), rows):
        some = present[a : a + rows]
        of, event = np.nonzero(some)
        at = np.arange(place + a, place + a + len(some))
        yield _Subsets(
            np.full(len(some), row), at, carried[a : a + rows], np.bincount(of, minlength=len(some)), event + start
        )


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


def _select(batch: Batch, events: Ints, sizes: Ints) -> Batch:
    return select_events(batch, torch.from_numpy(events), torch.from_numpy(offsets_of(sizes)))


def _before(artifact: Artifact, batch: Batch, starts: Ints, stops: Ints) -> Pair | None:
    """States after the events [starts, stops) of each sequence, encoded once; None if the model is no fold."""
    if not artifact.manifest.fold:
        return None
    sizes = stops - starts
    events, _ = stretches(starts, sizes)
    hidden, clock = artifact.encode_batch(_select(batch, events, sizes))
    return hidden, clock


def _begin(before: Pair, some: _Subsets) -> Pair:
    """What each subset goes on from: the state after the earlier events, or none."""
    row, carried = torch.from_numpy(some.row), torch.from_numpy(some.carried).unsqueeze(1)
    hidden, clock = before
    return torch.where(carried, hidden[row], 0.0), torch.where(carried, clock[row], NO_TIME)
