"""What follows what, counted: for models that are told of it rather than learn it by steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Ints
from sqlscore.models.back_off import BackOff
from sqlscore.scoring.tables import longest_order
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.following import Counting, context_at, log_seconds_after, tables_of


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


def count_into(model: Any, data: Encoded, train: Windows) -> None:
    """Fill the tables of a `models.markov.Markov`."""
    fill(model.counts, data, train, Counting(model.order))
    levels = np.linspace(0.0, 1.0, model.log_seconds.shape[1])
    model.log_seconds.copy_(torch.from_numpy(log_seconds_after(data, np.flatnonzero(train.wanted), levels)))


def count_beside(model: Any, data: Encoded, part: Windows, counting: Counting) -> None:
    """Count a part into the tables beside a network, in place, if the counts have a weight at all."""
    model.counts.network_weight = counting.weight
    if counting.weight < 1:
        model.counts.order = longest_order(data.known, counting.order)  # less, if the vocabulary has grown beyond it
        fill(model.counts, data, part, counting)


def fill(back_off: BackOff, data: Encoded, part: Windows, counting: Counting) -> None:
    """Count a part into the tables of a model, in place."""
    tables, device = tables_of(data, part, replace(counting, order=back_off.order)), back_off.share.device
    back_off.prior = counting.prior
    back_off.ends = list(tables.ends)
    for name in ("context", "start", "total", "action", "count", "share"):
        setattr(back_off, name, torch.from_numpy(getattr(tables, name)).to(device))


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
