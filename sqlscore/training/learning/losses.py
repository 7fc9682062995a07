"""What one pass over a batch yields: the three heads' losses, or their raw outputs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.passes import Outputs

TIME_WEIGHT = 0.1
"""What the time to the next event counts for, beside which event it is."""
_NO_TIME = -1


def losses(
    outputs: Outputs, targets: Targets, gamma: float = 0.0, shift: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sums over the batch: cross-entropy of known next actions, and of the bin of the time to the next event.

    The churn head is fitted by itself afterwards, see `churn_head`.

    Args:
        outputs: of the model.
        targets: what happened.
        gamma: (1 - p)^gamma multiplies the first, so that what is already sure counts less (focal loss, Lin et al.
            2017, arXiv 1708.02002, eq. 4).
        shift: (V,) added to the logits, see `Objective.shift`.
    """
    unknown = outputs.logits.shape[1]  # the code of an action that no head knows
    logits = outputs.logits if shift is None else outputs.logits + shift.to(outputs.logits.device)
    if gamma or targets.weight is not None:
        each = F.cross_entropy(logits, targets.action, ignore_index=unknown, reduction="none")  # (P,)
        if gamma:
            each = each * (1.0 - torch.exp(-each)).clamp(min=1e-6) ** gamma
        action = (each if targets.weight is None else each * targets.weight).sum()
    else:
        action = F.cross_entropy(logits, targets.action, ignore_index=unknown, reduction="sum")
    bins = outputs.time_bin.masked_fill(torch.isnan(targets.log_gap), _NO_TIME)
    return action, F.cross_entropy(outputs.time_logits, bins, ignore_index=_NO_TIME, reduction="sum")
