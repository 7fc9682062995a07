"""All tables of a model of counts, from a part of a log."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.recency import Recency
from sqlscore.scoring.tables import longest_order
from sqlscore.training.counted.recency import Standing, count_recency, logits
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.churn_calibration import calibration
from sqlscore.training.learning.following import Counting, log_seconds_after, tables_of

_ORDER = 3  # last actions that are counted
_COUNTED = 32  # actions with a tally of their own in a state
_LEVELS = np.linspace(0.0, 1.0, 33)  # of the time to the next event, the median inside


def count_actions(data: Encoded, part: Windows) -> Counts:
    """What follows what and when, without churn."""
    counting = Counting(longest_order(data.known, _ORDER))
    levels = log_seconds_after(data, np.flatnonzero(part.wanted), _LEVELS).astype(np.float32)
    return Counts.of_tables(tables_of(data, part, counting), min(_COUNTED, data.known), levels)


def of_churn(data: Encoded, examples: Examples) -> Recency:
    """Tables of churn, counted on these examples, not calibrated."""
    return count_recency(Standing.at(data, examples), examples.churned, data.known + 2)


def fit_calibration(tables: Recency, data: Encoded, later: Examples) -> tuple[Floats, float]:
    """((a, b) for `calibrated` by examples that were not counted, the log-loss of these with it)."""
    z = logits(Standing.at(data, later).risk(tables))
    fitted = calibration(z, later.churned, data.times[later.position] + np.round(later.elapsed * US_PER_SECOND))
    signed = np.where(later.churned, 1.0, -1.0) * (fitted[0] * z + fitted[1])
    return fitted, float(np.logaddexp(0.0, -signed).mean())
