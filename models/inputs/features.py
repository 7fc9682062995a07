"""Running summaries -> what the heads read."""

import torch
from torch import Tensor, nn

from sqlscore.models.inputs.summary import Summary


class Features(nn.Module):
    """Summaries -> P features on a log scale, standardised on the training part and clamped.

    The clamp keeps a user whose history is longer than any that was trained on within what the heads know.
    """

    rates: Tensor
    mean: Tensor
    spread: Tensor
    churn_mean: Tensor
    churn_spread: Tensor

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self.counted = summary.counted
        self.decays = summary.decays
        self.tail = summary.tail
        self.end = summary.size  # K: what stands behind is not read
        self.size = 2 * (summary.counted + 1) + 13 + 2 * summary.decays + 3 * summary.numeric
        self.extra = 8 + 2 * summary.decays
        self.register_buffer("rates", summary.rates * 1e6)  # per second
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("spread", torch.ones(self.size))
        self.register_buffer("churn_mean", torch.zeros(self.size + self.extra))
        self.register_buffer("churn_spread", torch.ones(self.size + self.extra))

    def forward(self, summary: Tensor) -> Tensor:
        """(N, K) -> (N, P), clamped to 4 standard deviations."""
        return self.standardise(self.raw(summary))

    def standardise(self, raw: Tensor) -> Tensor:
        """(N, P) -> (N, P), clamped to 4 standard deviations."""
        return _standardise(raw, self.mean, self.spread)

    def with_recency(self, summary: Tensor, elapsed: Tensor) -> Tensor:
        """(N, K), float64 (N,) seconds since the last event -> (N, P + X), the churn head's input."""
        raw = torch.cat([self.raw(summary).t(), self.recency(summary, elapsed).t()]).t()
        return _standardise(raw, self.churn_mean, self.churn_spread)

    def recent(self, rhythm: Tensor, elapsed: Tensor) -> Tensor:
        """(N, 4 + 2D), (N,) -> (N, X): the columns of `with_recency` that move with time."""
        raw = self.recency_of(rhythm, elapsed)
        return _standardise(raw, self.churn_mean[self.size :], self.churn_spread[self.size :])

    def lasting(self, raw: Tensor) -> Tensor:
        """(N, P) -> (N, P): the columns of `with_recency` that do not."""
        return _standardise(raw, self.churn_mean[: self.size], self.churn_spread[: self.size])

    def raw(self, summary: Tensor) -> Tensor:
        """(N, K) -> (N, P), not standardised."""
        summary = summary.t().contiguous()  # (K, N): what follows works on one number of all users at a time
        counts = summary[: self.counted + 1]
        n, _, log_gap, visits, visit_gap, visit_gap_sq, last_visit_gap, tenure, last_gap, in_visit, visit_s, timed = (
            summary[self.counted + 1 : self.tail].unbind(0)
        )
        variance = (visit_gap_sq - visit_gap * visit_gap).clamp(min=0.0)
        facts = [
            torch.log1p(n),
            log_gap,
            torch.log1p(visits),
            visit_gap,
            torch.sqrt(variance + 1.0),  # + 1: rounding in a small variance would show in its root
            last_visit_gap,
            torch.log1p(tenure),
            last_gap,
            torch.log1p(in_visit),
            torch.log1p(visit_s),
            timed,
            (visits > 1.0).float(),
            torch.log1p(n / visits.clamp(min=1.0)),
        ]
        decayed = summary[self.tail : self.tail + 2 * self.decays]
        numbers = summary[self.tail + 2 * self.decays : self.end]
        shares = counts / n.clamp(min=1.0)
        return torch.cat([torch.log1p(counts), shares, torch.stack(facts), torch.log1p(decayed), numbers]).t()

    def recency(self, summary: Tensor, elapsed: Tensor) -> Tensor:
        """(N, K), (N,) -> (N, X): time since the last event, alone and against the user's own rhythm."""
        return self.recency_of(self.rhythm(summary), elapsed)

    def rhythm(self, summary: Tensor) -> Tensor:
        """(N, K) -> (N, 4 + 2D): the summaries that recency reads."""
        scalars = summary[:, self.counted + 1 : self.tail]
        return torch.cat([scalars[:, 3:5], scalars[:, 6:8], summary[:, self.tail : self.tail + 2 * self.decays]], 1)

    def recency_of(self, rhythm: Tensor, elapsed: Tensor) -> Tensor:
        """(N, 4 + 2D), (N,) -> (N, X)."""
        rhythm = rhythm.t().contiguous().double()  # (4 + 2D, N)
        visits, visit_gap, last_visit_gap, tenure = rhythm[:4].unbind(0)
        since = elapsed.double().nan_to_num(0.0).clamp(min=0.0)
        log_since = torch.log1p(since)
        age = tenure + since
        returns = (visits - 1.0).clamp(min=0.0)
        came_back = (returns > 0.0).double()
        missed = since * returns / age.clamp(min=1.0)
        # exp is slow where it underflows, and so far beyond it adds nothing
        fade = torch.exp((-since * self.rates.unsqueeze(1)).clamp(min=-80.0))  # (D, N)
        facts = [
            log_since,
            came_back * (log_since - visit_gap),
            came_back * (log_since - last_visit_gap),
            torch.log1p(age),
            tenure / (age + 1.0),
            torch.log1p(missed),
            torch.log1p(visits) - torch.log1p(age),
            torch.exp((-missed).clamp(min=-80.0)),
        ]
        raw = torch.empty(self.extra, since.shape[0], device=since.device)  # (X, N), filled by row: no copy of a copy
        for i, fact in enumerate(facts):
            raw[i] = fact
        first, second = len(facts), len(facts) + self.decays
        raw[first:second] = rhythm[4 : 4 + self.decays] * fade
        raw[second:] = rhythm[4 + self.decays :] * fade
        raw[first:].add_(1e-3).log_()
        return raw.t()


def _standardise(raw: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """(N, P) -> (N, P), clamped to 4 standard deviations."""
    return (raw - mean).mul_(1.0 / spread).clamp_(-4.0, 4.0)
