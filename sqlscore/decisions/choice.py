"""Whom to contact with what, if money and contacts are limited: arrays in, arrays out, no chance in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Floats, Ints

NOTHING = -1
_STEPS = 40  # halvings of the price of money: by then it is exact to 12 digits


@dataclass(frozen=True)
class Limits:
    """budget: in the unit of costs. contacts: at most so many users. Both None: no limit. audience: of each play."""

    budget: float | None
    contacts: int | None
    audience: Sequence[int | None]


def choose(worth: Floats, costs: Floats, limits: Limits) -> Ints:
    """The play that each user gets, NOTHING for those who get none.

    Each unit of the budget has a price (a Lagrange multiplier, found by halving), so that a cheap play for two users
    can win over a dear one for one. At every price users take their best play; a play, and the contacts, take those
    who are worth most (deferred acceptance: who is refused takes the next best). Ties go to the user who comes first.

    Args:
        worth: float (users, plays): what each play is worth for each user, cost included; NaN where it does not apply.
            Nothing that is worth 0 or less is chosen.
        costs: float (plays,).
        limits: what there is.

    Returns int64 (users,): columns of `worth`, or NOTHING.
    """
    at_no_price = _accepted(worth, limits)
    if limits.budget is None or _spent(at_no_price, costs) <= limits.budget:
        return at_no_price
    best = np.full(len(worth), NOTHING, np.int64)
    low, high = 0.0, 1.0
    while _spent(_accepted(worth - high * costs, limits), costs) > limits.budget and high < 1e12:
        low, high = high, high * 2
    for _ in range(_STEPS):
        price = (low + high) / 2
        chosen = _accepted(worth - price * costs, limits)
        if _spent(chosen, costs) <= limits.budget:
            high, best = price, chosen
        else:
            low = price
    if (best == NOTHING).all():
        best = _accepted(worth - high * costs, limits)
    return _filled_up(best, _accepted(worth - low * costs, limits), worth, costs, limits)


def _accepted(worth: Floats, limits: Limits) -> Ints:
    left = np.where(np.isnan(worth) | (worth <= 0), -np.inf, worth)
    chosen = np.full(len(left), NOTHING, np.int64)
    if not left.size:
        return chosen
    while True:
        wanted = left.argmax(1)
        value = left[np.arange(len(left)), wanted]
        chosen = np.where(np.isfinite(value), wanted, NOTHING)
        refused = False
        for play, limit in enumerate(limits.audience):
            users = np.flatnonzero(chosen == play)
            if limit is not None and len(users) > limit:
                order = users[np.argsort(-value[users], kind="stable")]
                left[order[limit:], play] = -np.inf
                refused = True
        if not refused:
            break
    users = np.flatnonzero(chosen != NOTHING)
    if limits.contacts is not None and len(users) > limits.contacts:
        order = users[np.argsort(-value[users], kind="stable")]
        chosen[order[limits.contacts :]] = NOTHING
    return chosen


def _filled_up(chosen: Ints, richer: Ints, worth: Floats, costs: Floats, limits: Limits) -> Ints:
    """Spend what is left on users whom a slightly lower price would take, the best per unit of cost first."""
    result = chosen.copy()
    left = (limits.budget or 0.0) - _spent(chosen, costs)
    more = np.flatnonzero((chosen == NOTHING) & (richer != NOTHING))
    if not len(more):
        return result
    gain, price = worth[more, richer[more]], costs[richer[more]]
    room = None if limits.contacts is None else limits.contacts - int((chosen != NOTHING).sum())
    counts = np.bincount(chosen[chosen != NOTHING], minlength=len(costs))
    for place in np.argsort(-gain / np.maximum(price, 1e-12), kind="stable"):
        play, limit = int(richer[more[place]]), limits.audience[int(richer[more[place]])]
        if price[place] > left or room == 0 or (limit is not None and counts[play] >= limit):
            continue
        result[more[place]] = play
        left, counts[play] = left - float(price[place]), counts[play] + 1
        room = None if room is None else room - 1
    return result


def _spent(chosen: Ints, costs: Floats) -> float:
    return float(costs[chosen[chosen != NOTHING]].sum())
