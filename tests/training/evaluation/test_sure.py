"""Figures of models that are sure."""

from __future__ import annotations

import math

import numpy as np

from sqlscore.training.evaluation.metrics import mean_log_loss


def test_a_sure_model_has_no_negative_loss() -> None:
    """A probability of 1, or what float32 makes of it, costs 0: -0.000 in a table is nobody's loss."""
    for stated in (1.0, 1.0000001):
        loss = mean_log_loss(np.ones(3, np.int64), np.full(3, stated))
        assert loss == 0
        assert math.copysign(1, loss) == 1
