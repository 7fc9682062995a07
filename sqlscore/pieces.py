"""A large batch as smaller ones of sequences of like length: fewer steps, and what a step works on stays in cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from sqlscore.batch import Batch

EVENTS = 30_000
"""In a piece, about: their gates are some megabytes, a core's share of the cache."""


def by_length(batch: Batch, events: int = EVENTS) -> Iterator[tuple[torch.Tensor, Batch]]:
    """Yield (int64 (M,) which sequences, a batch of these): all N, shortest first, pieces of `events` or one sequence.

    A recurrent step costs much the same for ten sequences as for a hundred, and a batch takes as many steps as its
    longest sequence has events.
    """
    lengths = batch.offsets[1:] - batch.offsets[:-1]  # (N,)
    order = torch.argsort(lengths, stable=True)
    total = lengths[order].cumsum(0)
    cuts = torch.unique_consecutive(torch.div(total, events, rounding_mode="floor"), return_counts=True)[1].tolist()
    for rows in torch.split(order, cuts):
        yield rows, _of(batch, rows, lengths[rows])


def _of(batch: Batch, rows: torch.Tensor, lengths: torch.Tensor) -> Batch:
    """The sequences of these numbers as a batch of their own; novel actions keep their codes."""
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])  # (M + 1,)
    shift = torch.repeat_interleave(batch.offsets[rows] - offsets[:-1], lengths)
    index = shift + torch.arange(shift.shape[0], device=shift.device)
    return replace(
        batch,
        categories=batch.categories[index],
        numbers=batch.numbers[index],
        times=batch.times[index],
        offsets=offsets,
    )
