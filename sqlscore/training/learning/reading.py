"""What a pass reads: a batch, its targets, and the features of the summaries there, which follow from no weight.

A step of few events costs more for its many small operations than for its events. So what depends on no weight is
made for several batches at once, and parted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.arrays import Ints
from sqlscore.scoring.batch import Batch
from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.facts import facts_of

TOGETHER = 16_384  # events that are read at once, whole batches and at least one


@dataclass(frozen=True)
class Reading:
    """A batch with what is learned or judged in it."""

    batch: Batch
    targets: Targets
    features: Tensor  # (P, F), standardised
    recent: Tensor  # (P, n) codes of the last actions
    churn: Tensor | None  # (Q, F + X), standardised, what the churn head reads; None where nothing is asked of it
    rows: tuple[Tensor, Tensor] | None  # see `SequenceModel.rows_at`


def read(model: Any, batch: Batch, targets: Targets, *, churn: bool, known: Tensor | None = None) -> Reading:
    """What a model reads beside its weights, where the batch is.

    Args:
        model: What reads.
        batch: The events.
        targets: What is learned or judged there.
        churn: Read the churn examples too.
        known: The facts of the whole log, see `Encoded.facts`.
    """
    size = len(targets.position)
    with torch.no_grad():
        facts = facts_of(model, batch, targets, known, churn=churn)
        summary, recent = facts[:, : model.summary.size], facts[:, model.summary.size :]
        examples = model.features.with_recency(summary[size:], targets.elapsed) if churn else None
        return Reading(batch, targets, model.features(summary[:size]), recent[:size], examples, model.rows_at(batch))


def parted(reading: Reading, sequences: Ints) -> list[Reading]:
    """A reading of several batches, batch by batch, without churn examples.

    Args:
        reading: of all of them, sequence after sequence.
        sequences: (B,) how many each batch has; they sum to those of the reading.
    """
    batch, targets = reading.batch, reading.targets
    ends = np.append(0, np.cumsum(sequences))
    events = batch.offsets[torch.from_numpy(ends).to(batch.offsets.device)]  # (B + 1,)
    at = torch.searchsorted(targets.position, events).tolist()
    starts = events.tolist()
    found = []
    for i, start in enumerate(starts[:-1]):
        inside, here = slice(start, starts[i + 1]), slice(at[i], at[i + 1])
        own = Batch(
            batch.categories[inside],
            batch.numbers[inside],
            batch.times[inside],
            batch.offsets[ends[i] : ends[i + 1] + 1] - start,
            batch.novel_values,
            batch.novel_offsets,
        )
        rows = None if reading.rows is None else (reading.rows[0][inside], reading.rows[1][inside])
        part = targets.between(here, start)
        found.append(Reading(own, part, reading.features[here], reading.recent[here], None, rows))
    return found


def together(batches: list[Ints], lengths: Ints) -> list[list[Ints]]:
    """Consecutive batches in groups of about `TOGETHER` events. lengths: (W,) events of every window."""
    events = np.array([int(lengths[batch].sum()) for batch in batches])
    group = (np.cumsum(events) - events) // TOGETHER
    cuts = np.flatnonzero(np.diff(group)) + 1
    return [batches[a:b] for a, b in zip([0, *cuts], [*cuts, len(batches)], strict=True)]
