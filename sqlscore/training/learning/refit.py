"""The last steps of a training: from the chosen weights on, the parts that chose and judged them are learned too.

A model that stops at the boundary of validation has not seen the newest events, and drift makes those worth more than
any others. How many epochs, how sharp the probabilities and how strong the churn head's penalty was chosen before, by
a part that the weights had not seen; only weights change here.
"""

from __future__ import annotations

import numpy as np

from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.steps import Steps
from sqlscore.training.learning.training import Training

_RATE = 0.5  # of the learning rate, at the first step; it falls to 0 in a straight line
_EVENTS = 500_000  # that are read again at most, whole epochs and at least one


def train_on(training: Training, part: Windows, epochs: int, stage: str, seed: int) -> int:
    """Train in place on a part that holds the training part. Returns the epochs that were trained.

    The rate falls to zero: the first run ends with a model of full steps, which settles only here. Meanwhile the
    temperature is 1; it is put back at the end.

    Args:
        training: The model and its data.
        part: What is learned.
        epochs: How many are wanted; fewer are trained if the part is large.
        stage: By which the checkpoint tells it from others.
        seed: Of the batches.
    """
    model, checkpoint = training.model, training.checkpoint
    epochs = int(np.clip(_EVENTS // max(part.events, 1), 1, max(epochs, 1)))
    temperature = model.heads.temperature.clone()
    model.heads.temperature.fill_(1.0)
    steps = Steps(
        training,
        part,
        epochs=epochs,
        rate=_falling,
        learning_rate=_RATE * training.options.learning_rate,
        seed=seed,
    )
    done = 0
    if checkpoint is not None and (saved := checkpoint.load(stage)) is not None:
        steps.restore(saved["steps"])
        done = saved["done"]
    training.progress.start("Training on the newest", steps.total)
    training.progress.advance(done * steps.total / epochs)
    while done < epochs:
        steps.epoch()
        done += 1
        if checkpoint is not None:
            checkpoint.save(stage, {"steps": steps.state(), "done": done})
    training.progress.finish()
    model.heads.temperature.copy_(temperature)
    return epochs


def _falling(step: int, steps: int) -> float:
    return max(1.0 - step / steps, 0.01)
