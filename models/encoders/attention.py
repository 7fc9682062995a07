"""Attention over the events up to one: its masks, its heads, and its weights to read out."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.models.ragged.arithmetic import no_time


def not_later(width: int, device: torch.device) -> Tensor:
    """(L, L): 0 where the second event is not later than the first, else -infinity."""
    return torch.full((width, width), -math.inf, device=device).triu(1)


def split(x: Tensor, heads: int) -> Tensor:
    """(B, L, D) -> (B, heads, L, D / heads)."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """softmax(q k' / sqrt(d) + bias) v (Vaswani et al. 2017, arXiv 1706.03762, eq. 1), heads side by side.

    Args:
        q: (B, h, Q, d), the queries.
        k: (B, h, L, d), the keys.
        v: (B, h, L, d), the values.
        bias: added to the scores; broadcast to (B, h, Q, L).

    Returns:
        (B, Q, h d).
    """
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)


def weights(q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
    """The softmax of `attend` for one query, as a mean over heads.

    Args:
        q: (B, h, 1, d), the query.
        k: (B, h, L, d), the keys.
        bias: added to the scores; broadcast to (B, h, 1, L).

    Returns:
        (B, L); each row sums to 1.
    """
    scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(q.shape[3]) + bias  # (B, h, 1, L)
    return torch.softmax(scores, 3)[:, :, 0].mean(1)


def log_gaps(at: Tensor) -> Tensor:
    """µs (B, L), times of the same sequence -> (B, L, L): log(1 + seconds) from each event back to each other one."""
    seconds = at.double() / 1e6
    gaps = (seconds.unsqueeze(2) - seconds.unsqueeze(1)).clamp(min=0.0)
    return torch.log1p(gaps).float().masked_fill((at == no_time()).unsqueeze(1), 0.0)
