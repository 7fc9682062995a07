"""What a module of torch says in some windows of a log."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.inference import inference
from sqlscore.scoring.torch_heads import action_probabilities, seconds_at, seconds_to_next_event
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation.metrics import QUANTILES
from sqlscore.training.evaluation.predicted import Said


def say(artifact: Artifact, data: Encoded, test: Windows, chosen: Ints) -> Said:
    """What a module says in the chosen windows of a part."""
    batch, targets = cut(data, test, chosen)
    with inference():
        every, _ = artifact.module.encode_each(batch, None, None)
    risk = np.zeros(0)
    if len(targets.churn_position):
        with inference():
            risk = artifact.module.churn(every[targets.churn_position], targets.elapsed).double().numpy()
    states = every[targets.position]

    def probabilities(rows: slice) -> npt.NDArray[np.float32]:
        return np.asarray(action_probabilities(artifact, states[rows]).numpy())

    return Said(
        targets.at, targets.action.numpy(), probabilities, _log_seconds(artifact, states), targets.example, risk
    )


def _log_seconds(artifact: Artifact, states: torch.Tensor) -> Floats:
    """(P, S) -> (P, 3), see `Predicted`."""
    size = (len(states), len(QUANTILES))
    if artifact.knows_distribution:
        found = seconds_at(artifact, states, torch.tensor(list(QUANTILES.values())).expand(size)).numpy()
    else:
        found = np.full(size, np.nan)
        found[:, 1] = seconds_to_next_event(artifact, states).numpy()
    return np.asarray(np.log1p(found))
