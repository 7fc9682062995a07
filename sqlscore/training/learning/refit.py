"""The last step of a training: on from the chosen weights, with the validation part among what is learned.

A model that stops at the boundary of validation has not seen the newest events before the test part, and drift makes
those worth more than any others. How many epochs, how sharp the probabilities and how strong the churn head's penalty
was chosen before, by a part that the weights had not seen; only weights change here. The test part stays unseen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sqlscore.progress import Progress
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.batches import events_per_batch
from sqlscore.training.learning.checkpoints import Checkpoint
from sqlscore.training.learning.loop import share_of
from sqlscore.training.learning.steps import Steps, steps_of
from sqlscore.training.options import TrainingOptions

_RATE = 0.5  # of the learning rate, at the first step; it falls to 0 in a straight line
_EVENTS = 500_000  # that are read again at most, whole epochs and at least one


def train_on(
    model: Any,
    data: Encoded,
    part: Windows,
    epochs: int,
    options: TrainingOptions,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
) -> int:
    """As many epochs again as were chosen, or fewer where the part is large, on training and validation part.

    The rate falls to zero: what is kept at the end of the first run is a model of full steps, and settles only here.
    The temperature is 1 meanwhile, and put back. Returns the epochs.
    """
    epochs = int(np.clip(_EVENTS // max(part.events, 1), 1, max(epochs, 1)))
    events = events_per_batch(part)
    total = epochs * steps_of(part, events)
    temperature = model.heads.temperature.clone()
    model.heads.temperature.fill_(1.0)
    steps = Steps(
        model,
        data,
        part,
        replace(options, learning_rate=_RATE * options.learning_rate),
        events,
        lambda step: max(1.0 - step / total, 0.01),
        options.seed + 1,
        share_of(model, data, part, epochs),
    )
    done = 0
    if checkpoint is not None and (saved := checkpoint.load("refit")) is not None:
        steps.restore(saved["steps"])
        done = saved["done"]
    progress.start("Training on the newest", total)
    progress.advance(done * total / epochs)
    while done < epochs:
        steps.epoch(progress)
        done += 1
        if checkpoint is not None:
            checkpoint.save("refit", {"steps": steps.state(), "done": done})
    progress.finish()
    model.heads.temperature.copy_(temperature)
    return epochs
