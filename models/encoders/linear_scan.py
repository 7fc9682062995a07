"""Linear recurrences h_t = keep_t * h_{t-1} + add_t, element by element, on ragged batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of


def all_at_once(keep: Tensor, add: Tensor, start: Tensor, offsets: Tensor) -> Tensor:
    """h_t = keep_t h_{t-1} + add_t in log2(longest) passes over all events: for training, where steps cost time.

    Args:
        keep: (T, H), in the order of the events.
        add: (T, H), in the order of the events.
        start: (N, H), h before each sequence's first event.
        offsets: int64 (N + 1,), where each sequence begins.

    Returns:
        (T, H), h after every event.
    """
    keep, add = keep.to(start.dtype), add.to(start.dtype)  # products over many steps lose what half precision holds
    lengths = lengths_of(offsets)
    filled = torch.nonzero(lengths)[:, 0]  # (M,)
    first = offsets[:-1][filled]
    add = add.index_add(0, first, keep[first] * start[filled])
    keep = keep.index_fill(0, first, 0.0)  # nothing passes from one sequence into the next
    h: Tensor = _Scan.apply(keep, add, int(lengths.max()))  # type: ignore[no-untyped-call]
    return h


class _Scan(torch.autograd.Function):
    """The recurrence over the whole batch; `keep` must be 0 at the first event of each sequence.

    Its gradient is the same recurrence backwards: g_t = dL/dh_t + keep_{t+1} g_{t+1}, dL/dadd_t = g_t,
    dL/dkeep_t = g_t h_{t-1}.
    """

    @staticmethod
    def forward(ctx: Any, keep: Tensor, add: Tensor, longest: int) -> Tensor:
        h = _doubling(keep, add, longest)
        ctx.save_for_backward(keep, h)
        ctx.longest = longest
        return h

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        keep, h = ctx.saved_tensors
        following = torch.zeros_like(keep)
        following[:-1] = keep[1:]
        g = _doubling(following.flip(0), gradient.flip(0), ctx.longest).flip(0)
        before = torch.zeros_like(h)
        before[1:] = h[:-1]
        return g * before, g, None


def _doubling(keep: Tensor, add: Tensor, longest: int) -> Tensor:
    """Prefix scan (Hillis & Steele 1986): what 2d steps do is what the newest d do after the d before them.

    Products of keep are at most 1 and only ever vanish, so that it needs no logarithms, and no positive candidates.
    """
    h, product = add.clone(), keep.clone()  # over the newest d steps
    d = 1
    while d < longest:
        h_next = h.clone()
        h_next[d:].addcmul_(product[d:], h[:-d])
        if 2 * d < longest:
            product_next = product.clone()
            torch.mul(product[d:], product[:-d], out=product_next[d:])
            product = product_next
        h = h_next
        d *= 2
    return h
