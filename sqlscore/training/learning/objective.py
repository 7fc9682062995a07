"""What each target counts for in the next-action loss: newer ones more, rare actions more, hard ones more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.options import TrainingOptions

CLASS_WEIGHTS = ("none", "balanced")
_WEIGHT_RANGE = (0.1, 10.0)  # of an action: one that occurs once must not outweigh everything else


@dataclass(frozen=True)
class Objective:
    """Weights of training targets; their mean over the training part is 1.

    Args:
        classes: (V,) of each action; None: all 1.
        recency: How often weights halve from the newest target back to the oldest, by the rank of its time: calendar
            age would fade little where most events lie in the last month.
        gamma: Of the focal loss.
        times: (P,) µs of the training targets, rising; empty without recency.
        scale: What the mean is divided by.
    """

    classes: Tensor | None
    recency: float
    gamma: float
    times: Ints
    scale: float

    @property
    def shift(self) -> Tensor | None:
        """(V,) what a network's logits lack of those that the weighted loss is taken of; None for none.

        A loss with class weights w is least where softmax(logits) is proportional to w p. So the loss is taken of
        logits + log w, and the network itself learns p (the prior correction of King & Zeng 2001, Political Analysis
        9(2), eq. 7, inside the loss).
        """
        return None if self.classes is None else self.classes.log()

    def weights(self, data: Encoded, at: Ints, action: Tensor) -> Tensor | None:
        """at (P,) the log's index of targets, action (P,) 0-based -> (P,), or None where all are 1."""
        found = None
        if self.recency:
            found = torch.from_numpy(self._fading(data.target_time[at]))
        if self.classes is not None:
            of_class = self.classes[action.clamp(max=len(self.classes) - 1)]
            found = of_class if found is None else found * of_class
        return None if found is None else found * self.scale

    def _fading(self, times: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        rank = (np.searchsorted(self.times, times, "right") - 1) / max(len(self.times) - 1, 1)
        return np.asarray(np.exp2(self.recency * (rank - 1.0)), np.float32)


def objective_of(data: Encoded, train: Windows, options: TrainingOptions) -> Objective:
    """The weighting that the options ask for, on this training part."""
    recency = options.recency or 0.0
    times = np.sort(data.target_time[train.wanted]) if recency else np.zeros(0, np.int64)
    weights_of_classes = class_weights(data, train, options)
    classes = None if weights_of_classes is None else torch.tensor(weights_of_classes)
    plain = Objective(classes, recency, options.focal_gamma, times, 1.0)
    at = np.flatnonzero(train.wanted & (data.target <= data.known))
    weights = plain.weights(data, at, torch.from_numpy(data.target[at].astype(np.int64) - 1))
    scale = 1.0 if weights is None or not len(at) else 1.0 / float(weights.mean())
    return Objective(plain.classes, plain.recency, plain.gamma, times, scale)


def class_weights(data: Encoded, part: Windows, options: TrainingOptions) -> tuple[float, ...] | None:
    """(V,) the weight of each action in the loss and in the choice of the next one; None: all 1.

    "balanced" weighs an action by targets / (actions x targets with this action), as scikit-learn does, held between
    a tenth and ten.
    """
    if options.class_weight != "balanced":
        return None
    action = data.target[part.wanted]
    counts = np.bincount(action[action <= data.known] - 1, minlength=data.known)
    found = np.clip(counts.sum() / (data.known * np.maximum(counts, 1)), *_WEIGHT_RANGE)
    return tuple(float(f"{weight:.6g}") for weight in found)


def is_plain(options: TrainingOptions) -> bool:
    """Whether what is learned are the probabilities themselves: not if hard targets were asked to weigh more."""
    return not options.focal_gamma


def check_objective(options: TrainingOptions) -> None:
    """Raises TrainingError if the options ask for what does not exist."""
    if options.class_weight not in CLASS_WEIGHTS:
        raise TrainingError(f'class_weight="{options.class_weight}": choose one of {", ".join(CLASS_WEIGHTS)}')
    for name, value in (("recency", options.recency), ("focal_gamma", options.focal_gamma)):
        if value is not None and not 0 <= value <= 20:
            raise TrainingError(f"{name}={value}: give a number from 0, which is off, to 20")
