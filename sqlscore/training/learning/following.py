"""What followed what, counted into arrays: the numbers of every model that counts, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.scoring.notes import BaseRates
from sqlscore.scoring.tables import Tables
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.distinct import distinct
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation.baselines import action_shares
from sqlscore.training.evaluation.time_baselines import OFTEN, quantiles_of_groups


@dataclass(frozen=True)
class Counting:
    """How a model counts beside its network.

    Args:
        order: How many last actions are counted.
        prior: How many observations the shorter context's distribution counts for.
        fade: How often a target's weight halves from the newest target back to the oldest, by the rank of its time.
        weight: Of the network, the rest is the counts'; 1 leaves them out.
        again: Whether how often an action comes again is counted for all actions together, see `again_counts`.
        log_loss: Of both together on validation, None if that held nothing.
    """

    order: int = 1
    prior: float = 2.0
    fade: float = 0.0
    weight: float = 1.0
    again: bool = False
    log_loss: float | None = None


NOTHING = Counting()
"""The network alone."""


def tables_of(data: Encoded, part: Windows, counting: Counting) -> Tables:
    """A part, counted as `counting` says."""
    counted = np.flatnonzero(part.wanted & (data.target <= data.known))
    weights = fading(data.target_time[counted], counting.fade)
    target = data.target[counted].astype(np.int64)
    share = weighted_shares(target, weights, data.known)
    wide = data.known + 2
    contexts, totals, sizes, actions, counts = [], [], [], [], []
    for order in range(1, counting.order + 1):
        context, following, seen = context_at(data, counted, order), target, weights
        if order == 1 and counting.again:
            more = again_counts(context, target, weights, share) * counting.prior
            (added,) = np.nonzero(more)
            context, following = np.append(context, added), np.append(target, added)
            seen = np.append(weights, more[added])
        of_order, of_target = distinct(context)
        pairs, of_pair = distinct(of_target * wide + following)
        contexts.append(of_order)
        totals.append(np.bincount(of_target, seen, minlength=len(of_order)))
        sizes.append(np.bincount(pairs // wide, minlength=len(of_order)))
        actions.append(pairs % wide - 1)
        counts.append(np.bincount(of_pair, seen, minlength=len(pairs)))
    return Tables(
        counting.order,
        counting.prior,
        counting.weight,
        (0, *(int(end) for end in np.cumsum([len(part) for part in contexts]))),
        np.concatenate(contexts),
        np.append(0, np.cumsum(np.concatenate(sizes))),
        np.concatenate(totals).astype(np.float32),
        np.concatenate(actions),
        np.concatenate(counts).astype(np.float32),
        share[1:].astype(np.float32),
    )


def again_counts(last: Ints, target: Ints, weights: Floats, share: Floats) -> Floats:
    """How often each action is to be counted as having come again, for a prior of 1, before anything is counted.

    Some logs repeat themselves, whatever the action. With these counts an action that was seldom seen is expected to
    come again as often as all actions do: (m + k s) / (m + k) is the rate of all if m = k (rate - s) / (1 - rate),
    where s is the action's share and k the prior.

    Args:
        last: (P,) codes of the actions before the targets.
        target: (P,) codes 1..V.
        weights: (P,) of the targets.
        share: (V + 1,) of each action among the targets, 0 for code 0.

    Returns (V + 2,) by code; 0 for no action and for unknown ones, and where an action's share is above the rate.
    """
    rate = (float(weights[last == target].sum()) + 1.0) / (float(weights.sum()) + 2.0)
    more = np.append(np.maximum(rate - share, 0.0) / (1.0 - rate), 0.0)
    more[0] = 0.0
    return np.asarray(more)


def context_at(data: Encoded, at: Ints, order: int) -> Ints:
    """(P,) the contexts that end with these events; all unknown actions are one, V + 1."""
    base = data.known + 2
    start = np.repeat(data.offsets[:-1], np.diff(data.offsets))[at]
    actions = np.minimum(data.categories[:, 0], data.known + 1)
    found = np.zeros(len(at), np.int64)
    for back in reversed(range(order)):
        place = at - back
        found = found * base + np.where(place >= start, actions[np.maximum(place, 0)], 0)
    return found


def fading(times: Ints, fade: float) -> Floats:
    """(P,) weights of targets at these times: each halves `fade` times from the newest rank to the oldest."""
    if not fade or len(times) < 2:
        return np.ones(len(times))
    rank = np.empty(len(times))
    rank[np.argsort(times, kind="stable")] = np.linspace(0.0, 1.0, len(times))
    return np.exp2(fade * (rank - 1.0))


def weighted_shares(target: npt.NDArray[np.integer[Any]], weights: Floats, actions: int) -> Floats:
    """Codes 1..V and weights (P,) -> (V + 1,) their add-one smoothed shares; 0 for code 0."""
    if not len(weights) or float(weights.min()) == 1.0:
        return action_shares(target, actions)
    counts = np.bincount(target, weights, minlength=actions + 1) + 1.0
    counts[0] = 0.0
    return np.asarray(counts / counts.sum())


def base_rates(data: Encoded, train: Windows, churn: Examples | None) -> BaseRates:
    """What is usual in the training part: the smoothed share of each action, and of churn if there are examples."""
    rate = round(float(churn.churned.mean()), 6) if churn is not None and len(churn) else None
    return BaseRates([round(share, 8) for share in _shares(data, train).tolist()], rate)


def _shares(data: Encoded, train: Windows) -> Floats:
    """(V,) add-one smoothed shares of the known actions among the targets."""
    targets = data.target[train.wanted]
    return action_shares(targets[targets <= data.known], data.known)[1:]


def log_seconds_after(data: Encoded, at: Ints, levels: Floats) -> Floats:
    """(V + 2, L) quantiles of log(1 + seconds) to the next event after each action; after rare ones, those of all."""
    last, gaps = np.minimum(data.categories[at, 0], data.known + 1), data.log_gap[at]
    found = quantiles_of_groups(gaps, last, data.known + 2, levels)
    rare = np.bincount(last, minlength=data.known + 2) < OFTEN
    found[rare] = np.quantile(gaps, levels) if len(gaps) else 0.0
    return found
