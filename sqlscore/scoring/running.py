"""Events through the module of an artifact, on its device, in pieces that a processor's cache holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Ints
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import EVENTS, Batch, batch_of, by_length, tensor_of
from sqlscore.scoring.encoding import Columns
from sqlscore.scoring.inference import inference
from sqlscore.scoring.states import States

Pair = tuple[torch.Tensor, torch.Tensor]  # hidden float32 (N, S), clock int64 (N, 2)


def encode_columns_by(
    artifact: Artifact, columns: Columns, states: States | None
) -> tuple[npt.NDArray[np.float32], Ints]:
    """What `encode_batch_by` returns, of arrays."""
    old = (None, None) if states is None else (tensor_of(states.hidden), tensor_of(states.clock))
    hidden, clock = encode_batch_by(artifact, batch_of(columns), *old)
    return hidden.numpy(), clock.numpy()


def encode_each_by(artifact: Artifact, columns: Columns) -> tuple[npt.NDArray[np.float32], Ints]:
    """-> hidden (T, S) and clock (T, 2) after every event of new users."""
    with inference():
        hidden, clock = artifact.module.encode_each(batch_of(columns).to(artifact.device), None, None)
    return hidden.cpu().numpy(), clock.cpu().numpy()


def encode_batch_by(artifact: Artifact, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None) -> Pair:
    """Ragged tensors, and the states to advance -> hidden (N, S) and clock (N, 2), on the CPU."""
    if artifact.coalescer is not None:
        return artifact.coalescer(batch, hidden, clock)
    if artifact.device != "cpu" or batch.times.shape[0] <= EVENTS:
        return _run(artifact, batch, hidden, clock)
    all_hidden = torch.empty(batch.size, artifact.manifest.state_size)
    all_clock = torch.empty(batch.size, 2, dtype=torch.int64)
    for rows, piece in by_length(batch):
        of_rows = (None if part is None else part.index_select(0, rows) for part in (hidden, clock))
        hidden_of_rows, clock_of_rows = _run(artifact, piece, *of_rows)
        all_hidden.index_copy_(0, rows, hidden_of_rows)
        all_clock.index_copy_(0, rows, clock_of_rows)
    return all_hidden, all_clock


def _run(artifact: Artifact, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None) -> Pair:
    with inference():
        given = (None if part is None else part.to(artifact.device) for part in (hidden, clock))
        hidden, clock = artifact.module.encode(batch.to(artifact.device), *given)
    return hidden.cpu(), clock.cpu()
