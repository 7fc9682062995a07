"""Shorter horizons of a churn head: fitted and calibrated on examples that it has not learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.scoring.horizons import Horizon, features, usual_logit
from sqlscore.scoring.recency import SURE
from sqlscore.training.data.churn_labels import Examples, came_back
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.learning.churn_calibration import logistic


def fit_horizons(
    data: Encoded, examples: Examples, risk: Floats, longest: float, shorter: Sequence[float]
) -> tuple[Horizon, ...]:
    """Weights for each shorter horizon, rising; near those of a constant rate of return where examples are few.

    Args:
        data: the log in codes.
        examples: E examples of the longest horizon.
        risk: (E,) calibrated, within the longest.
        longest: its seconds.
        shorter: seconds of the others.
    """
    found: list[Horizon] = []
    base, inside, longer = np.clip(risk, SURE, 1 - SURE), ~examples.churned, longest
    for seconds in sorted(shorter, reverse=True):
        returned = came_back(data.times, data.offsets, examples, seconds)
        weights = logistic(
            features(base, examples.elapsed, seconds)[inside],
            returned[inside].astype(np.float64),
            np.zeros(3),
            usual_logit(base, seconds, longer, longest)[inside],
        )
        found.append(Horizon(seconds, tuple(float(weight) for weight in weights)))
        inside, longer = returned, seconds
    return tuple(reversed(found))
