"""The honest peers of the time to the next event: quantiles of the training part's gaps, of all and of their kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints

OFTEN = 10
"""Gaps that a group must have for quantiles of its own."""

Gaps = npt.NDArray[np.floating[Any]]


def all_of(log_gap: Gaps, train: tuple[Ints, Ints], test: tuple[Ints, Ints], levels: Floats) -> dict[str, Floats]:
    """Every baseline's quantiles, by its name.

    Args:
        log_gap: (P,) log(1 + seconds) of the training part's gaps.
        train: (P,) codes of the actions before them, and (P,) the hours of the day of these.
        test: (T,) the same of what is predicted.
        levels: (Q,) in [0, 1].

    Returns:
        (T, Q) each.
    """
    overall = np.quantile(log_gap.astype(np.float64), levels) if len(log_gap) else np.zeros(len(levels))
    anything: Floats = np.broadcast_to(overall, (len(test[0]), len(levels)))
    by_action = _of_kind(log_gap, train[0], test[0], levels, anything)
    hourly, asked = (action * 24 + hour for action, hour in (train, test))
    return {
        "median": anything,
        "action_median": by_action,
        "action_hour_median": _of_kind(log_gap, hourly, asked, levels, by_action),
    }


def _of_kind(log_gap: Gaps, train: Ints, test: Ints, levels: Floats, otherwise: Floats) -> Floats:
    """(T, Q) quantiles of the gaps of the same group; `otherwise` (T, Q) where that has too few."""
    groups = int(max(train.max(initial=0), test.max(initial=0))) + 1
    often = np.bincount(train, minlength=groups) >= OFTEN
    return np.where(often[test][:, None], quantiles_of_groups(log_gap, train, groups, levels)[test], otherwise)


def quantiles_of_groups(log_gap: Gaps, group: npt.NDArray[np.integer[Any]], groups: int, levels: Floats) -> Floats:
    """Quantiles of the gaps of each group.

    Args:
        log_gap: (P,) of the gaps.
        group: (P,) from 0.
        groups: G.
        levels: (Q,) in [0, 1].

    Returns:
        (G, Q), linear between two gaps; NaN for groups without any.
    """
    order = np.argsort(log_gap)  # a stable sort of small whole numbers takes a fraction of one of both columns
    order = order[np.argsort(group[order].astype(np.min_scalar_type(groups)), kind="stable")]
    values = np.append(log_gap[order].astype(np.float64), np.nan)
    sizes = np.bincount(group, minlength=groups)
    place = (np.cumsum(sizes) - sizes)[:, None] + levels * np.maximum(sizes - 1, 0)[:, None]  # (G, Q)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, (np.cumsum(sizes) - 1)[:, None])
    found = values[low] + (place - low) * (values[high] - values[low])
    return np.where(sizes[:, None] > 0, found, np.nan)
