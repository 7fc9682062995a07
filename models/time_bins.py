"""The time to the next event as a distribution: shares of bins on a log scale, their quantiles, and what is within."""

import torch
from torch import Tensor, nn

BINS = 24
"""Bins of log(1 + seconds): `training.learning.gap_bins` lays their edges."""


class TimeBins(nn.Module):
    """B bins of y = log(1 + seconds), each closed at its upper edge, and one shift that validation fits.

    Within a bin y is spread evenly. The shift s moves every distribution F to sigmoid(logit F + s), so that half of
    what happens is below the median: it moves shares between far bins, which a shift of y itself could not.
    """

    edges: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("edges", torch.linspace(0.0, 18.0, BINS + 1))  # (B + 1,) rising, from 0
        self.register_buffer("shift", torch.zeros(()))

    def bin_of(self, log_gap: Tensor) -> Tensor:
        """(P,) y -> int64 (P,); what is beyond the last edge is in the last bin."""
        return torch.bucketize(log_gap, self.edges[1:-1])

    def cumulated(self, logits: Tensor) -> Tensor:
        """(N, B) logits of the bins -> (N, B): F at the upper edge of each, before the shift."""
        return torch.softmax(logits, 1).cumsum(1)

    def median(self, logits: Tensor) -> Tensor:
        """(N, B) -> (N,) y."""
        half = torch.full((logits.shape[0], 1), 0.5, device=logits.device)
        return self.quantiles(logits, half)[:, 0]

    def quantiles(self, logits: Tensor, levels: Tensor) -> Tensor:
        """(N, B), (N, Q) in [0, 1] -> (N, Q) y."""
        levels = levels.to(logits.dtype)
        unshifted = levels / (levels + (1.0 - levels) * torch.exp(self.shift))
        return quantiles(self.cumulated(logits), self.edges.expand(logits.shape[0], -1), unshifted)

    def within(self, logits: Tensor, log_gap: Tensor) -> Tensor:
        """(N, B), (N,) y -> (N,): the probability of an event up to y."""
        share = share_within(self.cumulated(logits), self.edges.expand(logits.shape[0], -1), log_gap)
        return share / (share + (1.0 - share) * torch.exp(-self.shift))


def quantiles(cumulated: Tensor, edges: Tensor, levels: Tensor) -> Tensor:
    """Where distributions reach levels.

    Args:
        cumulated: (N, B) F at the upper edges of the bins.
        edges: (N, B + 1) rising.
        levels: (N, Q) in [0, 1].

    Returns:
        (N, Q).
    """
    wanted = levels * cumulated[:, -1:]  # rounding leaves the last one beside 1
    at = torch.searchsorted(cumulated, wanted.contiguous()).clamp(max=cumulated.shape[1] - 1)
    below = cumulated.gather(1, (at - 1).clamp(min=0)) * (at > 0)
    part = (wanted - below) / (cumulated.gather(1, at) - below).clamp(min=1e-30)
    return torch.lerp(edges.gather(1, at), edges.gather(1, at + 1), part.clamp(0.0, 1.0))


def share_within(cumulated: Tensor, edges: Tensor, value: Tensor) -> Tensor:
    """(N, B) F at upper edges, (N, B + 1) edges, (N,) -> (N,) F at these values: the inverse of `quantiles`."""
    value = value.unsqueeze(1).to(edges.dtype).contiguous()
    at = torch.searchsorted(edges[:, 1:].contiguous(), value, right=True).clamp(max=cumulated.shape[1] - 1)
    low, high = edges.gather(1, at), edges.gather(1, at + 1)
    below = cumulated.gather(1, (at - 1).clamp(min=0)) * (at > 0)
    part = ((value - low) / (high - low).clamp(min=1e-30)).clamp(0.0, 1.0)
    return (torch.lerp(below, cumulated.gather(1, at), part) / cumulated[:, -1:]).clamp(max=1.0)[:, 0]
