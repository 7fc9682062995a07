"""How much to believe one of two sets of probabilities beside the other: the weight that what happened speaks for."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Floats

_NEAR = 1e-3  # of the weight
_WORTH = 1e-7  # of the mean log-loss
_STEPS = 8


def best_weight(first: Floats, second: Floats, weights: Floats, start: float = 0.5, held: float = 0.0) -> float:
    """The w in [0, 1] that minimises the log-loss of w first + (1 - w) second, a convex function of w.

    By Newton's method between bounds that close in; where it leaves them, or takes long, they are halved. It takes no
    logarithm and few passes, as hundreds of such fits are made side by side.

    It ends where the loss can fall by next to nothing: a sum of -q log is at most l^2 above its minimum where
    l = |slope| / sqrt(curvature) is below half the root of the least q (Boyd & Vandenberghe 2004, equation 9.50).

    Args:
        first: (P,) probabilities of what happened, above 0.
        second: (P,) others, above 0.
        weights: (P,) of the targets, above 0.
        start: A guess.
        held: How firmly w is held near one half: held (w - 1/2)^2 / 2 is added to the sum of weights times losses. With
            such a square added the bound above holds as well.

    Returns the weight, to within 0.001 or 1e-7 of the mean loss.
    """
    gain = first - second  # (P,)
    ratio, weighed = np.empty_like(gain), np.empty_like(gain)
    small = min(0.25 * float(weights.min()), _WORTH * len(gain))
    low, high, weight = 0.0, 1.0, start
    tried: set[float] = set()
    while high - low > _NEAR:
        tried.add(weight)
        np.multiply(gain, weight, out=ratio)
        ratio += second
        np.divide(gain, ratio, out=ratio)
        np.multiply(ratio, weights, out=weighed)
        # of the log-likelihood; the second with a minus
        slope, curve = float(weighed.sum()) - held * (weight - 0.5), float(weighed @ ratio) + held
        newton = weight + slope / curve if curve > 0 else weight
        if slope**2 <= small * curve:
            return min(max(newton, low), high)
        low, high = (weight, high) if slope > 0 else (low, weight)
        moved = min(max(newton, low), high)
        weight = moved if moved not in tried and len(tried) < _STEPS else (low + high) / 2
    return weight
