"""How good the churn risk is within each horizon that a model was trained for."""

from __future__ import annotations

from typing import Any

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.scoring.horizons import risk_within
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.recency import SURE
from sqlscore.training.data.churn_labels import Examples, came_back
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.evaluation import metrics


def by_horizon(manifest: Manifest, log: EventLog, examples: Examples, risk: Floats) -> list[dict[str, Any]]:
    """The churn figures of each horizon, rising, with `horizon_seconds`; the last ones are those of the plain risk.

    Args:
        manifest: of the model, which has a churn head.
        log: the events.
        examples: E examples of the longest horizon.
        risk: (E,) what the model says of them.
    """
    longest = manifest.horizon_seconds or 0.0
    plain, found = np.clip(risk, SURE, 1 - SURE).astype(np.float32), []
    for seconds in (*(horizon.seconds for horizon in manifest.horizons), longest):
        within = risk_within(plain, examples.elapsed, manifest.horizons, longest, seconds).astype(np.float64)
        gone = ~came_back(log.times, log.offsets, examples, seconds)
        judged = metrics.churn_metrics(gone, within, examples.elapsed, examples.seen)
        found.append({"horizon_seconds": seconds} | judged)
    return found
