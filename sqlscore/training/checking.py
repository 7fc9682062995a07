"""What training can be asked for: architectures, and options whose values exist."""

from __future__ import annotations

import torch

from sqlscore.errors import TrainingError
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import LARGEST
from sqlscore.models.encoders.attention_rnn import ATTENTIONS
from sqlscore.training.learning.objective import check_objective
from sqlscore.training.options import TrainingOptions

ALL = tuple(ARCHITECTURES)
"""Names of the architectures that can be trained."""
LEARNED = tuple(name for name, architecture in ARCHITECTURES.items() if not architecture.counted)
"""The architectures that learn by gradient descent, so that there is something to tune."""
KINDS_OF_ATTENTION = ATTENTIONS


def check_options(options: TrainingOptions) -> None:
    """Raises TrainingError if an option has a value that does not exist."""
    if options.architecture == "gbm":
        raise TrainingError(
            'architecture "gbm" cannot be scored in SQL, so it is a peer in comparisons alone: '
            "`sqlscore compare DB --architectures gru,gbm` shows how it does beside a model that can"
        )
    if options.architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise TrainingError(f'there is no architecture "{options.architecture}": choose one of {known}')
    if options.attention not in ATTENTIONS:
        raise TrainingError(f'attention="{options.attention}": choose one of {", ".join(ATTENTIONS)}')
    for name in ("embedding", "hidden", "width"):
        if not 1 <= getattr(options, name) <= LARGEST:
            raise TrainingError(f"{name}={getattr(options, name)}: choose a size from 1 to {LARGEST}")
    check_objective(options)
    if options.weight_from not in (None, "interventions"):
        raise TrainingError(f'weight_from="{options.weight_from}": labels are weighted from "interventions", or not')
    if options.device not in ("cpu", "cuda"):
        raise TrainingError(f'device="{options.device}": choose "cpu" or "cuda"')
    if options.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError('device="cuda" was asked for, and torch finds no CUDA device: train with device="cpu"')
