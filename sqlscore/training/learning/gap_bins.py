"""Where the bins of the time to the next event lie, from the gaps of a training part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats

Gaps = npt.NDArray[np.floating[Any]]

_APART = 1e-3  # of log(1 + seconds), at least: a thousandth of the seconds
_EVEN = 1_024  # points that stand for an even spread


def edges_of(log_gap: Gaps, bins: int, visit_gap: float) -> Floats:
    """Edges of bins that are narrow where gaps are many, and nowhere wide.

    They are quantiles of a mixture: half the gaps, half an even spread from 0 to the longest. A gap that very many have
    gets a bin of its own, and so the first of equal edges moves a little down. The gap that ends a visit is an edge, as
    it often lies between two modes.

    Args:
        log_gap: (P,) log(1 + seconds) of the gaps.
        bins: B.
        visit_gap: seconds.

    Returns:
        (B + 1,) rising, the first one 0.
    """
    top = max(float(log_gap.max(initial=0.0)), float(np.log1p(visit_gap)) + 2 * _APART)
    even = np.linspace(0.0, top, _EVEN)
    values = np.concatenate([log_gap.astype(np.float64), even])
    weights = np.concatenate([np.full(len(log_gap), 0.5 / max(len(log_gap), 1)), np.full(_EVEN, 0.5 / _EVEN)])
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    levels = np.arange(1, bins) / bins * cumulated[-1]
    inner = values[order][np.searchsorted(cumulated, levels)]
    inner[np.argmin(np.abs(inner - np.log1p(visit_gap)))] = np.log1p(visit_gap)
    edges = np.concatenate([[0.0], np.sort(inner), [top]])  # sorted, as the one that was nearest may be one of equals
    steps = _APART * np.arange(bins + 1)
    edges = np.minimum.accumulate((edges - steps)[::-1])[::-1] + steps
    return np.asarray(np.maximum.accumulate(np.maximum(edges, 0.0) - steps) + steps)


def shares_of(log_gap: Gaps, edges: Floats) -> Floats:
    """(P,) gaps, (B + 1,) edges -> (B,) the bins' shares of the gaps, half a gap added to each."""
    counts = np.bincount(np.searchsorted(edges[1:-1], log_gap), minlength=len(edges) - 1) + 0.5
    return np.asarray(counts / counts.sum())
