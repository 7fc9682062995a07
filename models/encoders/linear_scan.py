"""Linear recurrences h_t = keep_t * h_{t-1} + add_t, element by element, on ragged batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of
from sqlscore.models.ragged.scan import scan_


def all_at_once(keep: Tensor, add: Tensor, start: Tensor, offsets: Tensor) -> Tensor:
    """h_t = keep_t h_{t-1} + add_t of all sequences at once, with a gradient.

    Args:
        keep: (T, H), in the order of the events.
        add: (T, H), in the order of the events.
        start: (N, H), h before each sequence's first event.
        offsets: int64 (N + 1,), where each sequence begins.

    Returns:
        (T, H), h after every event.
    """
    keep, add = keep.to(start.dtype), add.to(start.dtype)  # products over many steps lose what half precision holds
    filled = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
    first = offsets[:-1][filled]
    add = add.index_add(0, first, keep[first] * start[filled])
    keep = keep.index_fill(0, first, 0.0)  # nothing passes from one sequence into the next
    h: Tensor = _Scan.apply(keep, add)  # type: ignore[no-untyped-call]
    return h


class _Scan(torch.autograd.Function):
    """The recurrence over the whole batch; `keep` must be 0 at the first event of each sequence.

    Its gradient is the same recurrence backwards: g_t = dL/dh_t + keep_{t+1} g_{t+1}, dL/dadd_t = g_t,
    dL/dkeep_t = g_t h_{t-1}.
    """

    @staticmethod
    def forward(ctx: Any, keep: Tensor, add: Tensor) -> Tensor:
        h = add.clone()
        scan_(keep.clone(), h)
        ctx.save_for_backward(keep, h)
        return h

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        keep, h = ctx.saved_tensors
        following = torch.zeros_like(keep)
        following[1:] = keep[1:].flip(0)
        g = gradient.flip(0)
        scan_(following, g)
        g = g.flip(0)
        before = torch.zeros_like(h)
        before[1:] = h[:-1]
        return g * before, g
