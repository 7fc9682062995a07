"""Padded pieces of a ragged batch, for what needs a rectangle: attention, convolutions."""

from __future__ import annotations

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of


def buckets_of(offsets: Tensor, cells: int = 1 << 20) -> list[tuple[Tensor, int]]:
    """Non-empty sequences in groups of one width.

    The width of a sequence depends on its own length alone, and so does its score.

    Args:
        offsets: int64 (N + 1,), where each sequence begins.
        cells: a group's B L^2 is at most about this, so that memory stays bounded whatever the batch.

    Returns:
        For each group int64 (B,), which sequences it holds, and L, the next power of two of their lengths.
    """
    lengths = lengths_of(offsets)
    buckets: list[tuple[Tensor, int]] = []
    width, shorter = 1, 0
    longest = int(lengths.max()) if lengths.shape[0] > 0 else 0
    while shorter < longest:
        which = torch.nonzero((lengths > shorter) & (lengths <= width))[:, 0]
        if which.shape[0] > 0:
            for part in torch.split(which, max(1, cells // (width * width))):
                buckets.append((part, width))
        shorter, width = width, 2 * width
    return buckets


def padded_index(offsets: Tensor, which: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Which event stands in each cell of a rectangle of sequences.

    Args:
        offsets: int64 (N + 1,), where each sequence begins.
        which: int64 (B,), non-empty sequences.
        width: L, at least the length of each of them.

    Returns:
        int64 (B, L): the events of each sequence from the left, then its last one again; and bool (B, L): is an event.
    """
    lengths = lengths_of(offsets)[which].unsqueeze(1)  # (B, 1)
    step = torch.arange(width, device=offsets.device).unsqueeze(0)  # (1, L)
    return offsets[:-1][which].unsqueeze(1) + torch.minimum(step, lengths - 1), step < lengths
