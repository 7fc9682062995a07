"""What is read off a state: next action, time to it, churn, and the user's representation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.dropout import Dropout
from sqlscore.models.inputs.features import Features
from sqlscore.models.time_bins import BINS, TimeBins

MOST_DIRECT = 256
"""Actions above which the path from features to each action would have too many weights to learn."""


class Heads(nn.Module):
    """Small functions of (the first H of an encoder's state h (N, ..), summary features f (N, P)).

    - embed: u = gelu(W_h h + W_f f), the representation (N, D) that the first two heads share;
    - next action: (W_u u + W_d f + b) / temperature, the temperature fitted on validation (Guo et al. 2017,
      arXiv 1706.04599, eq. 9);
    - time: shares of bins of log(1 + seconds), by the same two paths as the actions; see `TimeBins`;
    - churn: a linear path on features and recency plus a small network on these and h; then
      sigmoid(a z + b) with a > 0, fitted on validation (Platt 1999, eq. 3).
    """

    temperature: Tensor
    platt: Tensor

    def __init__(self, hidden: int, features: Features, actions: int, width: int, dropout: float, direct: bool) -> None:
        super().__init__()
        self.hidden = hidden  # of wider states, what an encoder carries on is not read
        self.from_hidden = nn.Linear(hidden, width)
        self.from_features = nn.Linear(features.size, width, bias=False)
        self.next_action = nn.Linear(width, actions)
        self.next_direct = nn.Parameter(torch.zeros(features.size, actions if direct else 0))
        self.time = nn.Linear(width, BINS)
        self.time_direct = nn.Linear(features.size, BINS, bias=False)
        self.gaps = TimeBins()
        recent = features.size + features.extra
        self.churn_linear = nn.Linear(recent, 1)
        self.churn_hidden = nn.Linear(hidden, width // 4, bias=False)
        self.churn_recent = nn.Linear(recent, width // 4)
        self.churn_out = nn.Linear(width // 4, 1, bias=False)
        self.dropout = Dropout(dropout)
        self.direct = direct
        for layer in (self.time_direct, self.churn_linear, self.churn_out):
            nn.init.zeros_(layer.weight)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("platt", torch.tensor([1.0, 0.0]))

    def embed(self, hidden: Tensor, features: Tensor) -> Tensor:
        """-> (N, D)."""
        return F.gelu(
            self.from_hidden(self.dropout(hidden[:, : self.hidden])) + self.from_features(self.dropout(features))
        )

    def next_logits(self, u: Tensor, features: Tensor) -> Tensor:
        """-> (N, V)."""
        logits: Tensor = self.next_action(u)
        if self.direct:
            logits = torch.addmm(logits, features, self.next_direct)
        return logits / self.temperature

    def time_logits(self, u: Tensor, features: Tensor) -> Tensor:
        """-> (N, B): of the bins of log(1 + seconds)."""
        logits: Tensor = self.time(u) + self.time_direct(features)
        return logits

    def churn_logit(self, hidden: Tensor, recent: Tensor) -> Tensor:
        """(N, H), (N, P + X) -> (N,), before calibration."""
        own = self.churn_hidden(self.dropout(hidden[:, : self.hidden]))
        inner = F.gelu(own + self.churn_recent(recent))  # (N, W / 4)
        z: Tensor = self.churn_linear(recent) + self.churn_out(self.dropout(inner))  # (N, 1)
        return z[:, 0]

    def churn_lasting(self, hidden: Tensor, lasting: Tensor) -> Tensor:
        """(N, H), (N, P) -> (N, 1 + W / 4): the sums before the gelu and before the last one, without recency."""
        p = lasting.shape[1]
        z = F.linear(lasting, self.churn_linear.weight[:, :p], self.churn_linear.bias)
        own = self.churn_hidden(hidden[:, : self.hidden])
        return torch.cat([z, own + F.linear(lasting, self.churn_recent.weight[:, :p], self.churn_recent.bias)], 1)

    def churn_with(self, partial: Tensor, recent: Tensor) -> Tensor:
        """(N, 1 + W / 4) of `churn_lasting`, (N, X) -> (N,): what `churn` returns."""
        p = self.churn_linear.in_features - recent.shape[1]
        inner = F.gelu(torch.addmm(partial[:, 1:], recent, self.churn_recent.weight[:, p:].t()))
        z = torch.addmm(partial[:, :1], recent, self.churn_linear.weight[:, p:].t()) + self.churn_out(inner)
        return self._calibrated(z[:, 0])

    def churn(self, hidden: Tensor, recent: Tensor) -> Tensor:
        """-> (N,) calibrated probability."""
        return self._calibrated(self.churn_logit(hidden, recent))

    def scores(
        self, hidden: Tensor, features: Tensor, lasting: Tensor, recent: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `next_logits` and `churn` return, and the median of log(1 + seconds), for scoring.

        Each input is read by one product, with the weights of all heads that read it.

        Args:
            hidden: (N, H), the encoder's states.
            features: (N, P), the summaries' features.
            lasting: (N, P), the part of the churn head's input that does not move with time.
            recent: (N, X), the part that does.

        Returns:
            (N, V), (N,) the median and (N,) of churn.
        """
        width, inner, p = self.from_hidden.out_features, self.churn_hidden.out_features, lasting.shape[1]
        by_hidden = torch.cat([self.from_hidden.weight, self.churn_hidden.weight])
        by_features = torch.cat([self.from_features.weight, self.time_direct.weight])
        if self.direct:
            by_features = torch.cat([by_features, self.next_direct.t()])
        by_recent = torch.cat([self.churn_recent.weight, self.churn_linear.weight])  # (W / 4 + 1, P + X)
        by_u = torch.cat([self.next_action.weight, self.time.weight])
        own = F.linear(hidden[:, : self.hidden], by_hidden)  # (N, W + W / 4)
        facts = F.linear(features, by_features)  # (N, W + B + V), without V if not direct
        u = F.gelu((own[:, :width] + facts[:, :width]).add_(self.from_hidden.bias))  # (N, W)
        last = F.linear(u, by_u, torch.cat([self.next_action.bias, self.time.bias]))  # (N, V + B)
        known, bins = self.next_action.out_features, self.time.out_features
        logits = last[:, :known]
        if self.direct:
            logits = logits + facts[:, width + bins :]
        log_seconds = self.gaps.median(last[:, known:] + facts[:, width : width + bins])
        moved = F.linear(lasting, by_recent[:, :p], torch.cat([self.churn_recent.bias, self.churn_linear.bias]))
        moved = moved.addmm_(recent, by_recent[:, p:].t())
        z = moved[:, inner] + self.churn_out(F.gelu(own[:, width:] + moved[:, :inner]))[:, 0]
        return logits / self.temperature, log_seconds, self._calibrated(z)

    def _calibrated(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z * self.platt[0] + self.platt[1])
