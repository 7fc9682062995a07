"""What tables of counts say in some windows of a log, without torch."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.events.sequences import stretches
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.encoding import Columns
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation.metrics import QUANTILES
from sqlscore.training.evaluation.predicted import Said


def say(artifact: Artifact, data: Encoded, test: Windows, chosen: Ints) -> Said:
    """What the tables of a model of counts say in the chosen windows of a part."""
    counts = artifact.counts
    assert counts is not None  # noqa: S101 - who calls has looked
    index, offsets = stretches(test.starts[chosen], test.lengths[chosen])
    nothing = np.zeros(0, np.int64)
    hidden, _ = counts.encode_each(
        Columns(
            data.categories[index, :1].astype(np.int64), data.numbers[:0], data.times[index], offsets, nothing, nothing
        ),
        tally=False,
    )
    position = np.flatnonzero(test.wanted[index])
    example, places = test.examples_in(chosen, offsets)
    risk = np.zeros(0)
    if test.churn is not None and len(example):
        risk = counts.churn(hidden[places], test.churn.elapsed[example]).astype(np.float64)
    at, states = index[position], hidden[position]
    levels = np.broadcast_to(np.array(list(QUANTILES.values())), (len(at), len(QUANTILES)))
    return Said(
        at,
        np.minimum(data.target[at], data.known + 1).astype(np.int64) - 1,
        lambda rows: counts.probabilities(states[rows]),
        np.log1p(counts.seconds_at(states, levels)),
        example,
        risk,
    )
