"""The score after every subset of a sequence's events, where what two subsets begin with is encoded once.

A fold goes on from a state. So the subsets of a sequence are cut at a few places: the distinct beginnings up to the
first place are encoded, then from each of them the distinct ones up to the second, and so on. Twenty-five players have
some 1,700 subsets of twelve events each; encoded one by one that is 20,000 events, with shared beginnings 8,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import offsets_of, stretches
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, select_events
from sqlscore.scoring.explanation.shapley import design
from sqlscore.scoring.states import States

_STATE_COST = 2.0
"""What it takes to read a state and write the next, in events: measured by `gru` and `mingru`, and flat around it."""

_STATES = 1 << 15  # of several sequences together: few steps for many, and still some megabytes
_ROWS = 4_096  # that go through a head at once

Value = Callable[[States, Ints], Floats]
"""(R states, int64 (R,) which sequence each is a subset of) -> (R,) the score to explain.

The states say how many events a subset has, and not how many of them are unknown: no score reads that.
"""


@dataclass(frozen=True)
class Stage:
    """R states that are made together, each from an earlier one by E events in all; states have numbers."""

    first: int  # theirs are [first, first + R)
    parents: Ints  # (R,)
    sizes: Ints  # (R,) events of each, at least one
    events: Ints  # (E,) counted from the first event that is a player alone


@dataclass(frozen=True)
class Plan:
    """How the states after K subsets come about. State 0 is that of no event, 1 the one after the earlier events."""

    stages: tuple[Stage, ...]
    size: int  # states in all
    after: Ints  # (K,) the state after each subset


@lru_cache(maxsize=64)
def plan(n: int, earlier: bool) -> Plan:
    """The cheapest one for the subsets of `design(n)`.

    Args:
        n: players in time order.
        earlier: whether the first of them is all earlier events together, which state 1 stands for.
    """
    subsets = design(n).subsets
    present = subsets if earlier else np.concatenate([np.zeros((len(subsets), 1), np.bool_), subsets], 1)
    key = present @ (1 << np.arange(present.shape[1]))
    after, size, stages = present[:, 0].astype(np.int64), 2, []
    for low, high in pairwise(_cuts(present, key)):
        longer = np.flatnonzero(present[:, low:high].any(1))
        _, of, number = np.unique(key[longer] & (1 << high) - 1, return_index=True, return_inverse=True)
        if len(of):
            stretch = present[longer[of], low:high]
            stages.append(Stage(size, after[longer[of]], stretch.sum(1), np.nonzero(stretch)[1] + low - 1))
            after[longer] = size + number
            size += len(of)
    return Plan(tuple(stages), size, after)


def _cuts(present: Bools, key: Ints) -> list[int]:
    """Where to cut the subsets (K, P), whose first column is no event to encode: from 1 to P, at the least cost."""
    columns = present.shape[1]
    until = np.concatenate([np.zeros((len(present), 1), np.int64), present.cumsum(1)], 1)
    cost, best = np.zeros(columns + 1), [1] * (columns + 1)
    for high in range(2, columns + 1):
        _, of = np.unique(key & (1 << high) - 1, return_index=True)
        events = until[of, high, None] - until[of, 1:high]  # (R, high - 1): from each place on
        whole = cost[1:high] + _STATE_COST * (events > 0).sum(0) + events.sum(0)
        best[high] = int(whole.argmin()) + 1
        cost[high] = whole.min()
    cuts = [columns]
    while cuts[-1] > 1:
        cuts.append(best[cuts[-1]])
    return cuts[::-1]


def values_of_subsets(
    artifact: Artifact, batch: Batch, players: Ints, starts: Ints, singles: Ints, value: Value
) -> Floats:
    """The value of each subset of `design(players[i])`, sequence after sequence.

    Args:
        artifact: a fold.
        batch: N non-empty sequences.
        players: (N,), how many each has; the newest is its last event.
        starts: (N,), the first event of each.
        singles: (N,), the first event that is a player alone; those before it are one together.
        value: what is asked for.
    """
    with_earlier = singles > starts
    plans = [plan(int(n), bool(earlier)) for n, earlier in zip(players, with_earlier, strict=True)]
    begun = _begin(artifact, batch, starts, singles, with_earlier)
    found = []
    for some in _together(plans):
        base = offsets_of(np.array([plans[i].size for i in some], np.int64))
        hidden = torch.zeros(int(base[-1]), artifact.manifest.state_size)
        clock, n_events = torch.full((int(base[-1]), 2), NO_TIME), np.zeros(int(base[-1]), np.int64)
        hidden[base[:-1] + 1], clock[base[:-1] + 1] = begun[0][some], begun[1][some]
        n_events[base[:-1] + 1] = (singles - starts)[some]
        for turn in range(max(len(plans[i].stages) for i in some)):
            _advance(artifact, batch, _Made(hidden, clock, n_events), [
                (plans[i].stages[turn], int(base[at]), int(singles[i]))
                for at, i in enumerate(some) if turn < len(plans[i].stages)
            ])  # fmt: skip
        after = torch.from_numpy(np.concatenate([plans[i].after + base[at] for at, i in enumerate(some)]))
        row = np.repeat(some, [len(plans[i].after) for i in some])
        for low in range(0, len(row), _ROWS):
            part = after[low : low + _ROWS]
            sizes = n_events[part.numpy()]
            states = States(
                hidden.index_select(0, part).numpy(), clock.index_select(0, part).numpy(), sizes, np.zeros_like(sizes)
            )
            found.append(value(states, row[low : low + _ROWS]))
    return np.concatenate([np.zeros(0), *found])


def _begin(
    artifact: Artifact, batch: Batch, starts: Ints, singles: Ints, asked: Bools
) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, S) and (N, 2): the states after the earlier events, where there are any."""
    hidden, clock = torch.zeros(len(starts), artifact.manifest.state_size), torch.full((len(starts), 2), NO_TIME)
    rows = np.flatnonzero(asked)
    if len(rows):
        events, offsets = stretches(starts[rows], singles[rows] - starts[rows])
        earlier = select_events(batch, torch.from_numpy(events), torch.from_numpy(offsets))
        hidden[rows], clock[rows] = artifact.encode_batch(earlier)
    return hidden, clock


def _together(plans: list[Plan]) -> Iterator[Ints]:
    """The numbers of plans, in pieces of about _STATES states."""
    piece = np.cumsum([p.size for p in plans]) // _STATES
    yield from np.split(np.arange(len(plans)), np.flatnonzero(np.diff(piece)) + 1)


class _Made(NamedTuple):
    """States of several sequences, some of them made already. n_events: how many events each has behind it."""

    hidden: torch.Tensor  # (R, S)
    clock: torch.Tensor  # (R, 2)
    n_events: Ints  # (R,)


def _advance(artifact: Artifact, batch: Batch, states: _Made, stages: list[tuple[Stage, int, int]]) -> None:
    """Fills in the states of stages, with (stage, where its sequence's states begin, where its events do) of each."""
    parents = torch.from_numpy(np.concatenate([stage.parents + base for stage, base, _ in stages]))
    made = torch.from_numpy(
        np.concatenate([np.arange(stage.first, stage.first + len(stage.sizes)) + base for stage, base, _ in stages])
    )
    events = torch.from_numpy(np.concatenate([stage.events + start for stage, _, start in stages]))
    sizes = np.concatenate([stage.sizes for stage, _, _ in stages])
    given = states.hidden.index_select(0, parents), states.clock.index_select(0, parents)
    hidden, clock = artifact.encode_batch(select_events(batch, events, torch.from_numpy(offsets_of(sizes))), *given)
    states.hidden.index_copy_(0, made, hidden)
    states.clock.index_copy_(0, made, clock)
    states.n_events[made.numpy()] = states.n_events[parents.numpy()] + sizes
