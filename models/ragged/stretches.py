"""Stretches of ragged sequences: the newest events of each, or overlapping windows."""

from __future__ import annotations

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of, rows_of


def spread(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The events of stretches [start, start + length), which may overlap.

    Args:
        starts: int64 (P,), the first event of each stretch.
        lengths: int64 (P,), events of each stretch.

    Returns:
        int64 (R,), the indices of the R events, stretch by stretch; and int64 (P + 1,), where each stretch begins.
    """
    offsets = torch.cat([torch.zeros_like(lengths[:1]), lengths.cumsum(0)]) if len(lengths) else lengths.new_zeros(1)
    shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
    return shift + torch.arange(shift.shape[0], device=shift.device), offsets


def newest(offsets: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """The newest events of each sequence.

    Args:
        offsets: int64 (N + 1,), where each sequence begins.
        window: how many events at most.

    Returns:
        What `spread` returns.
    """
    lengths = lengths_of(offsets).clamp(max=window)
    return spread(offsets[1:] - lengths, lengths)


def overlapping(offsets: Tensor, window: int) -> tuple[Tensor, Tensor, Tensor]:
    """Windows that overlap by half and hold every event once with at least window / 2 events before it, or all.

    Args:
        offsets: int64 (N + 1,), where each sequence begins.
        window: events of a window.

    Returns:
        What `spread` returns, and int64 (T,): where among those events each event is read.
    """
    hop = window // 2
    lengths = lengths_of(offsets)
    count = 1 + torch.div((lengths - window).clamp(min=0) + hop - 1, hop, rounding_mode="floor")  # (N,)
    row = torch.repeat_interleave(torch.arange(lengths.shape[0], device=offsets.device), count)
    first = count.cumsum(0) - count  # (N,): each sequence's first window
    starts = (torch.arange(row.shape[0], device=offsets.device) - first[row]) * hop + offsets[row]
    index, own = spread(starts, torch.minimum(offsets[row + 1] - starts, torch.full_like(starts, window)))
    of = rows_of(offsets)  # (T,)
    place = torch.arange(of.shape[0], device=offsets.device) - offsets[of]
    which = torch.div((place - window + 1).clamp(min=0) + hop - 1, hop, rounding_mode="floor")
    return index, own, own[first[of] + which] + place - which * hop
