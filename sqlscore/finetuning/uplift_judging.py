"""Does an uplift tell whom to treat? Gain, Qini, calibration, on users that were not learned, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import rankdata

from sqlscore.arrays import Floats

_SURE = 1.96
_PARTS = 10
_LEAST_IN_PART = 50
_SAME = 1e-9


def judge_uplift(told: Floats, signals: Floats, everybody: float) -> dict[str, Any]:
    """Figures of M users that were not learned.

    Args:
        told: (M,) the uplift of each.
        signals: (M,) a number of each whose mean is their uplift.
        everybody: the uplift of those that were learned, which is the same for all.

    Returns:
        `uplift` and its interval, of all. `gain` (AUUC): what treating the best so-and-so many instead of nobody gains
        a user, in the mean over all shares. `qini`: how much of that is more than choosing at random gains (Radcliffe
        2007), with an interval from its influence function (Yadlowsky, Fleming, Shah, Brunskill and Wager 2021, theorem
        3); 0 for an uplift that is the same for all. `slope`: of what came on what was told, 1 if it is calibrated.
        `better`: by how much the squared error of one uplift for everybody is above this one's, in standard errors.
        `tenths`: users by what they were told, with what came of them.
    """
    n = len(told)
    mean, error = float(signals.mean()), _error(signals)
    rank = (rankdata(told) - 0.5) / n  # users who are told the same share a place
    qini, around = _qini(told, signals, rank)
    centred = told - told.mean()
    spread = float((centred**2).sum())
    slope = slope_error = None
    if spread > _SAME:
        slope = float((centred * signals).sum() / spread)
        rest = signals - mean - slope * centred
        slope_error = float(np.sqrt(((centred * rest) ** 2).sum()) / spread)
    difference = (signals - everybody) ** 2 - (signals - told) ** 2
    noise = float(np.sqrt(((difference - difference.mean()) ** 2).sum()))
    return {
        "n": n,
        "uplift": mean,
        "uplift_low": mean - _SURE * error,
        "uplift_high": mean + _SURE * error,
        "mean_told": float(told.mean()),
        "gain": float((signals * rank).mean()),
        "qini": qini,
        "qini_low": qini - _SURE * around,
        "qini_high": qini + _SURE * around,
        "slope": slope,
        "slope_error": slope_error,
        "everybody": everybody,
        "better": float(difference.sum() / noise) if noise > 0 else 0.0,
        "tenths": _tenths(told, signals),
    }


def _qini(told: Floats, signals: Floats, rank: Floats) -> tuple[float, float]:
    """The mean of (rank - 1/2) x signal, and its standard error with that of the ranks."""
    n = len(told)
    qini = float((signals * (rank - 0.5)).mean())
    order = np.argsort(told, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(signals[order])])
    ordered = told[order]
    above = total[-1] - total[np.searchsorted(ordered, told, side="right")]
    same = total[-1] - total[np.searchsorted(ordered, told, side="left")] - above
    influence = signals * (rank - 0.5) + (above + same / 2) / n - signals.mean() / 2 - 2 * qini
    return qini, _error(influence)


def _tenths(told: Floats, signals: Floats) -> list[dict[str, float]]:
    """Users in up to ten parts by what they were told, the least first; those who were told the same stay together."""
    parts = max(1, min(_PARTS, len(told) // _LEAST_IN_PART))
    part = np.minimum(((rankdata(told) - 0.5) / len(told) * parts).astype(np.int64), parts - 1)
    found = []
    for each in np.unique(part):
        own = signals[part == each]
        error = _error(own)
        found.append(
            {
                "n": len(own),
                "told": float(told[part == each].mean()),
                "uplift": float(own.mean()),
                "uplift_low": float(own.mean()) - _SURE * error,
                "uplift_high": float(own.mean()) + _SURE * error,
            }
        )
    return found


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def uplift_verdict(found: Mapping[str, Any]) -> list[str]:
    """Sentences on what the intervention does, whether users can be told apart, and whom to leave alone."""
    low, high = found["uplift_low"], found["uplift_high"]
    does = "helps" if low > 0 else "hurts" if high < 0 else "has no effect that can be told from none"
    said = [
        f"On {found['n']:,} users that were not learned the intervention {does}: it changes the share that stays by "
        f"{_points(found['uplift'])} points ({_points(low)} to {_points(high)})."
    ]
    qini = f"Qini {100 * found['qini']:.1f} points ({100 * found['qini_low']:.1f} to {100 * found['qini_high']:.1f})"
    if found["slope"] is None or found["qini_low"] <= 0 <= found["qini_high"]:
        said.append(
            f"Whom it helps more cannot be told beyond noise ({qini}): expect {_points(found['everybody'])} points of "
            "everybody, and choose by cost."
        )
        return said
    if found["qini_high"] < 0:
        said.append(f"It ranks users the wrong way round ({qini}): do not choose by it.")
        return said
    said.append(f"It tells whom the intervention helps more ({qini}).")
    if abs(found["slope"] - 1) > 2 * found["slope_error"]:
        said.append(
            f"Differences between users are {'larger' if found['slope'] > 1 else 'smaller'} than it says (slope "
            f"{found['slope']:.2f}): use it to rank, not as an amount."
        )
    least = found["tenths"][0]
    if least["uplift_high"] < 0:
        said.append(
            f"Leave those alone for whom it is lowest: the {least['n']:,} users with the least are driven away, "
            f"{_points(least['uplift'])} points ({_points(least['uplift_low'])} to {_points(least['uplift_high'])})."
        )
    return said


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
