"""What one pass over a batch yields: the three heads' losses, or their raw outputs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.passes import Outputs


def losses(outputs: Outputs, targets: Targets, gamma: float = 0.0) -> tuple[Tensor, Tensor]:
    """Sums over the batch: cross-entropy of known next actions, and of the bin of the time to the next event.

    The churn head is fitted by itself afterwards, see `churn_head`.

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
        F.cross_entropy(outputs.time_logits[timed], outputs.time_bin[timed], reduction="sum"),
    )
