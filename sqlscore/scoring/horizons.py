"""Churn within shorter horizons than the one that the head was fitted for, from its risk: monotone by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats
from sqlscore.errors import ModelError
from sqlscore.scoring.recency import SURE
from sqlscore.times import in_words


@dataclass(frozen=True)
class Horizon:
    """A shorter horizon: of users who come back within the next longer one, who comes back within this.

    That share is sigmoid(usual + weights . (1, logit(risk), log(1 + silence / seconds))), where `usual` is the logit of
    the share if users came back at a constant rate. Weights of 0 leave that.
    """

    seconds: float
    weights: tuple[float, ...]  # (3,)


def risk_within(
    risk: npt.NDArray[np.float32], silence: Floats, horizons: Sequence[Horizon], longest: float, seconds: float
) -> npt.NDArray[np.float32]:
    """The risk within another horizon than the longest. It never rises with the horizon.

    Args:
        risk: (N,) within the longest.
        silence: (N,) seconds since the last event, up to the lookback.
        horizons: the shorter ones, rising.
        longest: seconds of the longest.
        seconds: what is asked for, from the shortest to the longest. Between two of them the chance of return is
            interpolated linearly in the horizon.
    """
    if seconds == longest:
        return risk
    base = risk.astype(np.float64)
    returns, longer = 1 - base, longest
    for horizon in reversed(horizons):
        within = returns * share_within(base, silence, horizon, longer, longest)
        if seconds >= horizon.seconds:
            part = (seconds - horizon.seconds) / (longer - horizon.seconds)
            found = within if part == 0 else np.minimum(within + (returns - within) * part, returns)
            return np.clip(1 - found, SURE, 1 - SURE).astype(np.float32)
        returns, longer = within, horizon.seconds
    raise AssertionError


def require_horizon(name: str, horizons: Sequence[Horizon], longest: float | None, seconds: float) -> None:
    """Raises ModelError if a model cannot say the risk within so many seconds."""
    trained = [*(horizon.seconds for horizon in horizons), *([] if longest is None else [longest])]
    if trained and trained[0] <= seconds <= trained[-1]:
        return
    words = ", ".join(in_words(each) for each in trained)
    remedy = "ask for one of them" if len(trained) == 1 else "ask for one from the first to the last"
    raise ModelError(
        f"model {name} was trained for a churn horizon of {words}, not of {in_words(seconds)}: {remedy}, or train with "
        f"horizons that reach it, --horizons '{in_words(min(seconds, *trained))},{in_words(max(seconds, *trained))}'"
    )


def share_within(risk: Floats, silence: Floats, horizon: Horizon, longer: float, longest: float) -> Floats:
    """(N,) risks and silences -> (N,) the share of a `Horizon`, of users who come back within `longer` seconds."""
    z = usual_logit(risk, horizon.seconds, longer, longest) + features(risk, silence, horizon.seconds) @ horizon.weights
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def features(risk: Floats, silence: Floats, seconds: float) -> Floats:
    """(N,) risks within the longest horizon and silences -> (N, 3) what the weights of a `Horizon` are for."""
    return np.stack([np.ones_like(risk), np.log(risk / (1 - risk)), np.log1p(silence / seconds)], axis=1)


def usual_logit(risk: Floats, shorter: float, longer: float, longest: float) -> Floats:
    """(N,) the logit of the share within `shorter` of those who come back within `longer`, at a constant rate."""
    share = (1 - risk ** (shorter / longest)) / (1 - risk ** (longer / longest))
    return np.asarray(np.log(share / (1 - share)))
