"""What one pass over a batch yields: the three heads' losses, or their raw outputs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.passes import Outputs


def losses(outputs: Outputs, targets: Targets, gamma: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over the batch: cross-entropy of known next actions; |error| of log(1 + seconds), whose minimum is the
    median; and the churn label's binary cross-entropy.

    gamma: (1 - p)^gamma multiplies the first, so that what is already sure counts less (focal loss, Lin et al. 2017,
    arXiv 1708.02002, eq. 4).
    """
    known = targets.action < outputs.logits.shape[1]
    timed = ~torch.isnan(targets.log_gap)
    action = F.cross_entropy(outputs.logits[known], targets.action[known], reduction="none")  # (P,)
    if gamma:
        action = action * (1.0 - torch.exp(-action)).clamp(min=1e-6) ** gamma
    if targets.weight is not None:
        action = action * targets.weight[known]
    return (
        action.sum(),
        (outputs.log_seconds[timed] - targets.log_gap[timed]).abs().sum(),
        F.binary_cross_entropy_with_logits(outputs.z, targets.churned, reduction="sum"),
    )
