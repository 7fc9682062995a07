"""A median that is one: the shift of the times to the next event, fitted on validation, stored in the model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

from sqlscore.arrays import Floats
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.passes import outputs_over, prefix_share

_EVENTS = 50_000  # of users at random: half a percent of coverage
_NEWEST = 0.15  # of targets, as many as a validation part holds
_WEIGHT = 100.0  # targets that no shift at all weighs as much as


def calibrate_times(model: Any, data: Encoded, judged: Windows, seed: int) -> None:
    """Fit the shift of `TimeBins`, in place, so that half of the times of this part are below the median."""
    order = np.random.default_rng(seed).permutation(len(judged.starts))
    order = order[np.cumsum(judged.lengths[order]) - judged.lengths[order] < _EVENTS]
    batches = [order[group] for group in ordered_batches(judged.lengths[order], 8_192)]
    share = prefix_share(model, judged, order, _EVENTS)
    low, high = [np.zeros(0)], [np.zeros(0)]
    for outputs, _ in outputs_over(model, data, judged, batches, share):
        cumulated = model.heads.gaps.cumulated(outputs.time_logits.float()).double()
        until = cumulated.gather(1, outputs.time_bin[:, None])[:, 0]
        inside = cumulated.diff(dim=1, prepend=torch.zeros_like(cumulated[:, :1]))
        high.append(until.cpu().numpy())
        low.append((until - inside.gather(1, outputs.time_bin[:, None])[:, 0]).cpu().numpy())
    model.heads.gaps.shift.fill_(shift(np.concatenate(low), np.concatenate(high)))


def newest(data: Encoded, part: Windows) -> Windows:
    """The part with its newest targets alone.

    After its last stage a model has learned part of what drifted, which a shift that was fitted before would count
    twice: so the shift is fitted again, on these.
    """
    times = data.target_time[part.wanted]
    if not len(times):
        return part
    wanted = part.wanted & (data.target_time >= np.quantile(times, 1 - _NEWEST))
    running = np.append(0, np.cumsum(wanted))
    needed = running[part.ends] > running[part.starts]
    return Windows(part.starts[needed], part.ends[needed], wanted, None)


def shift(low: Floats, high: Floats) -> float:
    """The s with which half of what happened is below the median of sigmoid(logit F + s).

    Args:
        low: (P,) F at the lower edge of the bin in which each time was, in [0, 1).
        high: (P,) F at its upper edge. A time is anywhere between the two, since many times may be the same.
    """

    def too_many(level: float) -> float:
        below = np.clip((level - low) / np.maximum(high - low, 1e-12), 0.0, 1.0).sum() + _WEIGHT * level
        return float(below / (len(low) + _WEIGHT) - 0.5)

    level = brentq(too_many, 1e-6, 1.0 - 1e-6, xtol=1e-6)
    return -math.log(level / (1.0 - level))
