"""Convolutions for local patterns, then a recurrent unit in both directions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.dropout import Dropout
from sqlscore.models.encoders.gru import GRU
from sqlscore.models.ragged.arithmetic import rows_of


class CNNBiGRU(nn.Module):
    """Two causal convolutions, and a bidirectional GRU over what they found in the prefix that is scored.

    y_t = gelu(W [x_t ; x_{t-1} ; x_{t-2}] + b), twice: the second sees five events (Bai et al. 2018, arXiv
    1803.01271, section 3.2, undilated, without events of before the prefix).
    state = [GRU over y_1 .. y_t | another GRU over y_t .. y_1]   (Schuster & Paliwal 1997, IEEE TSP 45(11), section II)

    Read by `PrefixModel`, which gives it each prefix as a sequence of its own.
    """

    def __init__(self, embedding: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.size = 2 * hidden
        self.kernel = 3
        self.one = nn.Linear(self.kernel * embedding, hidden)
        self.two = nn.Linear(self.kernel * hidden, hidden)
        self.forwards = GRU(hidden, hidden)
        self.backwards = GRU(hidden, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, times: Tensor, offsets: Tensor, each: bool) -> Tensor:
        """States at the end of each sequence.

        Args:
            x: (T, E), the vectors of the events.
            times: not read; there for the signature that all encoders of windows share.
            offsets: int64 (N + 1,), where each sequence begins.
            each: not read; `PrefixModel` never asks for a state after every event.

        Returns:
            (N, 2H).
        """
        row = rows_of(offsets)  # (T,)
        at = torch.arange(row.shape[0], device=x.device)
        back = at.unsqueeze(1) - torch.arange(self.kernel, device=x.device)  # (T, 3)
        outside = (back < offsets[row].unsqueeze(1)).unsqueeze(2)  # (T, 3, 1)
        back = back.clamp(min=0)
        y = F.gelu(self.one(x[back].masked_fill(outside, 0.0).flatten(1)))  # (T, H)
        y = F.gelu(self.two(self.dropout(y)[back].masked_fill(outside, 0.0).flatten(1)))  # (T, H)
        mirrored = offsets[row] + offsets[row + 1] - 1 - at  # (T,)
        start = x.new_zeros((offsets.shape[0] - 1, self.size // 2))  # (N, H)
        ahead = self.forwards(y, offsets, start, False)
        return torch.cat([ahead, self.backwards(y[mirrored], offsets, start, False)], 1)
