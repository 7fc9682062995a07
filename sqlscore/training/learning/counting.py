"""What follows what in the training part, counted: for models that are told of it rather than learn it by steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.scoring.notes import BaseRates
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation.baselines import action_shares

_OFTEN = 10  # times that an action must have been followed, to have a median of its own


@dataclass(frozen=True)
class Counted:
    """C distinct (context, action) pairs in the order of their contexts, and how often each was seen.

    A context of order n holds the last n actions, as digits in base V + 2, the newest lowest; digit 0 is no action.
    """

    context: Ints  # (C,)
    action: Ints  # (C,) codes 1..V
    count: Ints  # (C,)


def count_following(data: Encoded, train: Windows, order: int) -> Counted:
    """Contexts of this order before each target of the training part that has a known action."""
    at = np.flatnonzero(train.wanted & (data.target <= data.known))
    context = context_at(data, at, order)
    pairs, count = np.unique(np.stack([context, data.target[at]]), axis=1, return_counts=True)
    return Counted(pairs[0], pairs[1], count)


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


def base_rates(data: Encoded, train: Windows) -> BaseRates:
    """What is usual in the training part: the smoothed share of each action, and of churn if there are examples."""
    churn = None
    if train.churn is not None and len(train.churn):
        churn = round(float(train.churn.churned.mean()), 6)
    return BaseRates([round(share, 8) for share in _shares(data, train).tolist()], churn)


def count_into(model: Any, data: Encoded, train: Windows) -> None:
    """Fill the tables of a `models.markov.Markov`."""
    counted = [count_following(data, train, order) for order in range(1, model.order + 1)]
    model.ends = [0, *(int(end) for end in np.cumsum([len(c.count) for c in counted]))]
    model.context = torch.from_numpy(np.concatenate([c.context for c in counted]))
    model.action = torch.from_numpy(np.concatenate([c.action for c in counted]) - 1)
    model.count = torch.from_numpy(np.concatenate([c.count for c in counted]).astype(np.float32))
    model.share = torch.from_numpy(_shares(data, train).astype(np.float32))
    model.median_seconds = torch.from_numpy(_medians(data, np.flatnonzero(train.wanted)))


def _shares(data: Encoded, train: Windows) -> Floats:
    """(V,) add-one smoothed shares of the known actions among the targets."""
    targets = data.target[train.wanted]
    return action_shares(targets[targets <= data.known], data.known)[1:]


def _medians(data: Encoded, at: Ints) -> npt.NDArray[np.float64]:
    """(V + 2,) median seconds to the next event after each action; after rare ones, that of all."""
    last = np.minimum(data.categories[at, 0], data.known + 1)
    seconds = np.expm1(data.log_gap[at].astype(np.float64))
    order = np.lexsort((seconds, last))
    last, seconds = last[order], seconds[order]
    start = np.searchsorted(last, np.arange(data.known + 2))
    sizes = np.bincount(last, minlength=data.known + 2)
    found = np.full(data.known + 2, np.median(seconds))
    often = sizes >= _OFTEN
    low, high = start[often] + (sizes[often] - 1) // 2, start[often] + sizes[often] // 2
    found[often] = (seconds[low] + seconds[high]) / 2
    return found


def strongest_edges(counted: Counted, known: int, most: int) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Transitions as a graph: (from, to, log share of `to` in what followed `from`), at most `most` into each action.

    Of an action's many neighbours those are kept from which it was reached most often.
    """
    source, target, count = counted.context, counted.action, counted.count
    inside = (source >= 1) & (source <= known)
    source, target, count = source[inside], target[inside], count[inside]
    share = np.log(count / np.bincount(source, count, known + 1)[source]).astype(np.float32)
    order = np.lexsort((source, -count, target))
    source, target, share = source[order], target[order], share[order]
    rank = np.arange(len(target)) - np.searchsorted(target, target, "left")
    return source[rank < most], target[rank < most], share[rank < most]
