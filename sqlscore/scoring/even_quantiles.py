"""A distribution of times as its quantiles, evenly from 0 to 1: between two of them it is even too."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.scoring.tables import Singles


def median(edges: Singles) -> Floats:
    """(N, L) of log(1 + seconds), L odd -> (N,) seconds."""
    return np.asarray(np.expm1(edges[:, edges.shape[1] // 2].astype(np.float64)))


def quantiles(edges: Singles, levels: Floats) -> Floats:
    """(N, L) of log(1 + seconds), (N, Q) in [0, 1] -> (N, Q) these quantiles of the seconds."""
    place = levels.astype(np.float32) * np.float32(edges.shape[1] - 1)
    below = np.clip(np.ceil(place).astype(np.int64) - 1, 0, edges.shape[1] - 2)
    low, high = np.take_along_axis(edges, below, 1), np.take_along_axis(edges, below + 1, 1)
    return np.asarray(np.expm1((low + (high - low) * (place - below)).astype(np.float64)))


def share_within(edges: Singles, seconds: Floats) -> Singles:
    """(N, L) of log(1 + seconds), (N,) -> (N,) the probability of at most these seconds."""
    value = np.log1p(seconds).astype(np.float32)[:, None]
    size = edges.shape[1] - 1
    at = (edges[:, 1:] <= value).sum(1, keepdims=True).clip(max=size - 1)
    low, high = np.take_along_axis(edges, at, 1), np.take_along_axis(edges, at + 1, 1)
    part = np.clip((value - low) / np.maximum(high - low, np.float32(1e-30)), 0.0, 1.0)
    return np.asarray(np.minimum((at + part) / size, 1.0)[:, 0], np.float32)
