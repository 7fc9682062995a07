"""Sequences -> ragged tensors: the only batch layout that models see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.events.inputs import Inputs
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.encoding import Columns, encode_columns


class Batch(NamedTuple):
    """N sequences with T events in all, without padding. TorchScript reads it as it is, or a plain tuple like it.

    Column 0 of `categories` is the action: 1..V as in `Inputs.actions`, and V + 1 + u for the u-th action of
    this batch that the model has never seen, whose hashed character n-grams are
    `novel_values[novel_offsets[u]:novel_offsets[u + 1]]`.
    """

    categories: torch.Tensor  # int64 (T, 1 + categorical features), 0 = missing
    numbers: torch.Tensor  # float32 (T, numeric features), NaN = missing
    times: torch.Tensor  # int64 (T,), µs since 1970 UTC or NO_TIME
    offsets: torch.Tensor  # int64 (N + 1,)
    novel_values: torch.Tensor  # int64 (M,)
    novel_offsets: torch.Tensor  # int64 (U + 1,)

    @property
    def size(self) -> int:
        """N: how many sequences."""
        return self.offsets.shape[0] - 1

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(*(tensor.to(device) for tensor in self))


def encode_sequences(sequences: Sequences, inputs: Inputs) -> Batch:
    """What `encode_columns` gives, as tensors."""
    return batch_of(encode_columns(sequences, inputs))


def batch_of(columns: Columns) -> Batch:
    """The same as tensors, in the same memory."""
    return Batch(*(tensor_of(column) for column in columns))


def tensor_of(array: npt.NDArray[Any]) -> torch.Tensor:
    """A tensor in the memory of an array, or in its own: torch warns of what cannot be written to, as Arrow's."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def select_events(batch: Batch, index: torch.Tensor, offsets: torch.Tensor) -> Batch:
    """Some events of a batch as a batch; novel actions keep their codes.

    Args:
        batch: T events.
        index: int64 (T',), which events, one sequence after the other.
        offsets: int64 (N' + 1,), where each sequence begins among them.
    """
    return Batch(
        batch.categories.index_select(0, index),  # a fifth of what indexing costs
        batch.numbers.index_select(0, index),
        batch.times.index_select(0, index),
        offsets,
        batch.novel_values,
        batch.novel_offsets,
    )


def join(batches: Sequence[Batch], known: int) -> Batch:
    """Batches on one device as one, sequence after sequence.

    Args:
        batches: in the codes of one model.
        known: V, how many actions that model knows.
    """
    novel, categories = 0, []
    for batch in batches:
        codes = batch.categories[:, :1]
        categories.append(torch.cat([codes + novel * (codes > known), batch.categories[:, 1:]], 1))
        novel += batch.novel_offsets.shape[0] - 1
    return Batch(
        torch.cat(categories),
        torch.cat([batch.numbers for batch in batches]),
        torch.cat([batch.times for batch in batches]),
        _end_to_end([batch.offsets for batch in batches]),
        torch.cat([batch.novel_values for batch in batches]),
        _end_to_end([batch.novel_offsets for batch in batches]),
    )


def _end_to_end(offsets: Sequence[torch.Tensor]) -> torch.Tensor:
    """(N_i + 1,) each -> (sum N_i + 1,)."""
    lengths = torch.cat([part[1:] - part[:-1] for part in offsets])
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])


EVENTS = 30_000
"""In a piece, about: their gates are some megabytes, a core's share of the cache."""


def by_length(batch: Batch, events: int = EVENTS) -> Iterator[tuple[torch.Tensor, Batch]]:
    """Cut a batch into pieces of sequences of similar length, shortest first.

    A recurrent step costs much the same for ten sequences as for a hundred, and a batch takes as many steps as its
    longest sequence has events.

    Args:
        batch: N sequences.
        events: how many a piece holds, about; one sequence may be longer.

    Yields:
        int64 (M,), which sequences a piece holds, and the batch of these; each of the N is in one piece.
    """
    lengths = batch.offsets[1:] - batch.offsets[:-1]  # (N,)
    order = torch.argsort(lengths, stable=True)
    total = lengths[order].cumsum(0)
    cuts = torch.unique_consecutive(torch.div(total, events, rounding_mode="floor"), return_counts=True)[1].tolist()
    for rows in torch.split(order, cuts):
        yield rows, _select_sequences(batch, rows, lengths[rows])


def _select_sequences(batch: Batch, rows: torch.Tensor, lengths: torch.Tensor) -> Batch:
    """The sequences of these numbers as a batch of their own."""
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])  # (M + 1,)
    shift = torch.repeat_interleave(batch.offsets[rows] - offsets[:-1], lengths)
    index = shift + torch.arange(shift.shape[0], device=shift.device)
    return select_events(batch, index, offsets)
