"""Bootstrap over users: how far a figure, and the difference of two on the same examples, may lie from what was found.

One user's events depend on each other, so whole users are drawn, and all contenders are read on the same draws: the
paired cluster bootstrap with percentile intervals (Efron & Tibshirani 1993, chapters 8 and 13; Koehn 2004 for pairs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints

DRAWS = 1_000
_LEAST_DRAWS = 200
_CELLS = 4_000_000  # weights that are held at once
_WORK = 400_000_000  # weights that are read in all, above which there are fewer draws
_SHARES = (2.5, 97.5)


def mean_draws(users: Ints, values: Sequence[Floats], seed: int) -> Floats:
    """Contenders' mean values in every draw of users.

    Args:
        users: int64 (P,), whose each example is.
        values: of C contenders, (P,) each; NaN if a contender has no value for an example.
        seed: of the draws.

    Returns:
        (B, C), B draws.
    """
    owner, place = np.unique(users, return_inverse=True)
    count = len(owner)
    sums, sizes = np.zeros((count, len(values))), np.zeros((count, len(values)))
    for column, value in enumerate(values):
        known = ~np.isnan(value)
        sums[:, column] = np.bincount(place[known], value[known], minlength=count)
        sizes[:, column] = np.bincount(place[known], minlength=count)
    means = []
    for weights in _drawn(count, len(values), seed):
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append((weights @ sums) / (weights @ sizes))
    return np.concatenate(means)


def auc_draws(users: Ints, labels: npt.NDArray[np.bool_], scores: Sequence[Floats], seed: int) -> Floats:
    """Contenders' ROC AUCs in every draw of users.

    Args:
        users: int64 (Q,), whose each example is.
        labels: (Q,), the truth.
        scores: of C contenders, (Q,) each.
        seed: of the draws.

    Returns:
        (B, C), B draws; NaN in a draw that lacks a class.
    """
    owner, place = np.unique(users, return_inverse=True)
    areas: list[Floats] = []
    ranked = [_by_score(score) for score in scores]
    per_owner = max(len(users) // max(len(owner), 1), 1)
    for weights in _drawn(len(owner), len(scores) * per_owner, seed):
        each = weights[:, place]  # (b, Q)
        positive, negative = each * labels, each * ~labels
        columns = [_area(positive, negative, order, ties) for order, ties in ranked]
        areas.append(np.stack(columns, axis=1) if columns else np.zeros((len(weights), 0)))
    return np.concatenate(areas)


def interval(draws: Floats) -> tuple[float | None, float | None]:
    """(B,) -> the bounds between which 95 % of the draws lie; None if there is nothing to draw from."""
    kept = draws[~np.isnan(draws)]
    if len(kept) == 0:
        return None, None
    low, high = np.percentile(kept, _SHARES)
    return float(low), float(high)


def standing(values: Sequence[float], draws: Floats, higher_is_better: bool) -> tuple[list[int], list[bool]]:
    """The ranks of contenders, as far as the draws tell them apart.

    One is better than another if at most 2.5 % of the paired differences lie on the wrong side of 0.
    The best and all that tie with it have rank 1; every other has 1 + the number of those that are better than it.

    Args:
        values: of C contenders.
        draws: (B, C), their values in every draw.
        higher_is_better: the direction of the metric.

    Returns:
        (C,) ranks, and (C,): whether each ties with the best.
    """
    sign = 1.0 if higher_is_better else -1.0
    points = sign * np.asarray(values, np.float64)
    best = int(np.argmax(points))
    beats = np.zeros((len(points), len(points)), np.bool_)
    for one in range(len(points)):
        difference = sign * (draws[:, [one]] - draws)
        known = ~np.isnan(difference).any(0)
        beats[one, known] = np.percentile(difference[:, known], _SHARES[0], axis=0) > 0 if known.any() else False
    ties = [not beats[best, one] for one in range(len(points))]
    return [1 if ties[one] else 1 + int(beats[:, one].sum()) for one in range(len(points))], ties


def _drawn(users: int, width: int, seed: int) -> Iterator[Floats]:
    """(b, U) how often each user is drawn, in chunks of draws; width: numbers that are read for each user and draw."""
    random = np.random.default_rng(seed)
    left = int(np.clip(_WORK // max(users * width, 1), _LEAST_DRAWS, DRAWS)) if users else 1
    rows = max(1, _CELLS // max(users * max(width, 1), 1))
    while left > 0:
        size = min(rows, left)
        left -= size
        if users == 0:
            yield np.zeros((size, 0))
            continue
        drawn = random.integers(0, users, (size, users)) + np.arange(size)[:, None] * users
        yield np.bincount(drawn.ravel(), minlength=size * users).reshape(size, users).astype(np.float64)


def _by_score(score: Floats) -> tuple[Ints, Ints]:
    """-> (order by rising score, where each group of equal scores begins)."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    return order, np.append(0, np.flatnonzero(np.diff(ordered) > 0) + 1)


def _area(positive: Floats, negative: Floats, order: Ints, ties: Ints) -> Floats:
    """(b, Q) weights of either class -> (b,): the share of pairs in the right order, equal scores counting half."""
    gone = np.add.reduceat(positive[:, order], ties, axis=1)  # (b, G)
    stayed = np.add.reduceat(negative[:, order], ties, axis=1)
    below = np.cumsum(stayed, axis=1) - stayed / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((gone * below).sum(1) / (gone.sum(1) * stayed.sum(1)))
