"""What a model notes of every event beside its weights, made once for all passes over a log.

Summaries and last actions after an event follow from the user's history alone. Search, last stages, calibration and
churn heads read the same histories ten times and more, and making these took a tenth of a training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of
from sqlscore.models.ragged.stretches import spread
from sqlscore.models.wholes.window_model import WindowModel
from sqlscore.scoring.batch import Batch, select_events
from sqlscore.training.data.encoding import Encoded, cut_batch, ordered_batches
from sqlscore.training.data.targets import Targets

NUMBERS = 100_000_000  # that are held: 400 MB
_EVENTS = 65_536


def with_facts(model: Any, data: Encoded) -> Encoded:
    """The log with the facts after every event of every user.

    Without them, so that each pass makes its own, if they are too many, or if the model reads a window of the newest
    events, where they depend on more than the events before.

    Args:
        model: A `SequenceModel` on the CPU that knows the scales of its numbers: no other buffer counts here.
        data: The log in its codes.
    """
    wide = model.state_size - model.size
    if isinstance(model, WindowModel) or len(data.times) * wide > NUMBERS:
        return replace(data, facts=None)
    found = torch.empty(len(data.times), wide)
    with torch.no_grad():
        for users in ordered_batches(np.diff(data.offsets), _EVENTS):
            batch, index = cut_batch(data, data.offsets[users], data.offsets[users + 1])
            found[torch.from_numpy(index)] = model.facts_at(batch, torch.arange(len(index)))
    return replace(data, facts=found)


def facts_of(model: Any, batch: Batch, targets: Targets, known: Tensor | None, *, churn: bool) -> Tensor:
    """The facts at the targets, then at the churn examples if these are asked for: (P + Q, K + n), where the batch is.

    Args:
        model: What reads.
        batch: Stretches of the log.
        targets: Theirs.
        known: The facts of the whole log. Sequences that begin later than their user, or are shown without times, have
            others, which are made here.
        churn: Whether the churn examples are asked for.
    """
    position = torch.cat([targets.position, targets.churn_position]) if churn else targets.position
    if known is None or targets.fresh is None:
        facts: Tensor = model.facts_at(batch, position)
        return facts
    at = np.concatenate([targets.at, targets.churn_at]) if churn else targets.at
    found = known.index_select(0, torch.from_numpy(at)).to(position.device)
    fresh = targets.fresh
    which = torch.nonzero(fresh)[:, 0]
    if len(which):
        row = torch.searchsorted(batch.offsets, position, right=True) - 1
        own = torch.nonzero(fresh[row])[:, 0]
        events, offsets = spread(batch.offsets[which], lengths_of(batch.offsets)[which])
        row = row[own]
        place = offsets[(fresh.cumsum(0) - 1)[row]] + position[own] - batch.offsets[row]
        found[own] = model.facts_at(select_events(batch, events, offsets), place)
    return found
