"""Arithmetic on ragged batches: N sequences with T events in all, cut by `offsets` (N + 1,).

Written for TorchScript: types are given in full, and shapes with N = 0 or T = 0 work.
"""

from __future__ import annotations

import torch
from torch import Tensor


def no_time() -> int:
    """`events.NO_TIME`, -2^63, as a function: TorchScript reads no global constants."""
    return -9223372036854775807 - 1


def has_time(times: Tensor) -> Tensor:
    """(..) µs -> bool (..)."""
    return times != no_time()


def lengths_of(offsets: Tensor) -> Tensor:
    """(N + 1,) -> int64 (N,)."""
    return offsets[1:] - offsets[:-1]


def rows_of(offsets: Tensor) -> Tensor:
    """(N + 1,) -> int64 (T,): the sequence that each event belongs to."""
    lengths = lengths_of(offsets)
    return torch.repeat_interleave(torch.arange(lengths.shape[0], device=offsets.device), lengths)


def one_for_all(state: Tensor) -> bool:
    """Whether the states (N, S), N > 0, are one row that stands for all (an expanded tensor): new users', zeros."""
    return state.stride(0) == 0 and state.shape[0] > 0


def states_of(state: Tensor, rows: Tensor) -> Tensor:
    """(N, S), int64 (P,) -> (P, S): `state[rows]`, without a copy of new users' one row."""
    if one_for_all(state):
        return state[:1].expand(rows.shape[0], -1)
    return state.index_select(0, rows)


def seconds_between(later: Tensor, earlier: Tensor) -> Tensor:
    """µs -> float64 seconds, never negative; the difference is taken in double, as in int64 it can overflow."""
    return ((later.double() - earlier.double()) / 1e6).clamp(min=0.0)


def gaps_of(times: Tensor, offsets: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Seconds since the previous event of the same sequence.

    Args:
        times: int64 (T,), µs.
        offsets: int64 (N + 1,), where each sequence begins.
        last: int64 (N,), µs: the time of the event before each sequence's first; `no_time()` if there is none.

    Returns:
        float64 (T,), 0 if unknown; and bool (T,): known, that is, both events have a time.
    """
    previous = torch.full_like(times, no_time())  # (T,)
    previous[1:] = times[:-1]
    filled = lengths_of(offsets) > 0  # (N,)
    previous[offsets[:-1][filled]] = last[filled]
    known = has_time(times) & has_time(previous)  # (T,)
    return torch.where(known, seconds_between(times, previous), 0.0), known


def packing_of(offsets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How to lay the events of non-empty sequences out step by step, longest sequence first (PackedSequence).

    Args:
        offsets: int64 (N + 1,), where each sequence begins.

    Returns:
        order int64 (M,): the M non-empty sequences by falling length;
        batch_sizes int64 (L,) on the CPU: how many of them are longer than each step;
        position int64 (T,): the packed position of every event.
    """
    lengths = lengths_of(offsets)  # (N,)
    order = torch.argsort(lengths, descending=True, stable=True)  # (N,)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(order.shape[0], device=order.device)
    ended = torch.bincount(lengths)  # (L + 1,): sequences of each length
    batch_sizes = (lengths.shape[0] - ended.cumsum(0))[:-1]  # (L,): longer than step 0, 1, ..
    before = batch_sizes.cumsum(0) - batch_sizes  # (L,): packed position of each step's first event
    row = rows_of(offsets)  # (T,)
    step = torch.arange(row.shape[0], device=row.device) - offsets.index_select(0, row)  # (T,)
    filled = int((lengths > 0).sum())
    return order[:filled], batch_sizes.cpu(), before.index_select(0, step) + rank.index_select(0, row)
