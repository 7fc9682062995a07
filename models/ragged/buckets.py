"""Padded pieces of a ragged batch, for what needs a rectangle: attention, convolutions."""

from __future__ import annotations

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of


def buckets_of(offsets: Tensor, cells: int = 1 << 20) -> list[tuple[Tensor, int]]:
    """Non-empty sequences in groups of one width: (int64 (B,) which, L), L the next power of two of their lengths.

    A group's B L^2 is at most about `cells`, so that memory stays bounded whatever the batch. The width of a
    sequence depends on its own length alone, and so does its score.
    """
    lengths = lengths_of(offsets)
    found: list[tuple[Tensor, int]] = []
    width, shorter = 1, 0
    longest = int(lengths.max()) if lengths.shape[0] > 0 else 0
    while shorter < longest:
        which = torch.nonzero((lengths > shorter) & (lengths <= width))[:, 0]
        if which.shape[0] > 0:
            for part in torch.split(which, max(1, cells // (width * width))):
                found.append((part, width))
        shorter, width = width, 2 * width
    return found


def padded_index(offsets: Tensor, which: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """int64 (B, L): the events of these sequences from the left, then their last again; bool (B, L): is an event."""
    lengths = lengths_of(offsets)[which].unsqueeze(1)  # (B, 1)
    step = torch.arange(width, device=offsets.device).unsqueeze(0)  # (1, L)
    return offsets[:-1][which].unsqueeze(1) + torch.minimum(step, lengths - 1), step < lengths
