"""Distinct values of whole numbers from 0, as codes and counts of actions are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints

_FLAGS = 8
"""For each value, at most: above it, most flags would stay empty, and sorting is cheaper."""


def distinct(values: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
    """What `np.unique(values, return_inverse=True)` returns, by a flag for each value instead of by sorting.

    Args:
        values: (P,) from 0.

    Returns:
        (U,) the distinct values, rising; and (P,) which of them each value is.
    """
    wide = int(values.max(initial=-1)) + 1
    if wide > _FLAGS * len(values):
        found, of_each = np.unique(values, return_inverse=True)
        return found.astype(np.int64), of_each
    met = np.zeros(wide, np.bool_)
    met[values] = True
    place = np.cumsum(met, dtype=np.int64)
    place -= 1
    return np.flatnonzero(met), place[values]
