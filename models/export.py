"""A trained model -> TorchScript bytes; only this module scripts and saves with torch.jit."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from typing import Any

import numpy as np
import torch
from torch import nn

from sqlscore.models.encoders.markov import Markov
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.models.wholes.tabled import TabledModel
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.torchscript import without_deprecation, zipped

_CONSTANTS = re.compile(rb"(?:^  \w+ : Final\[.*\n){2,}", re.MULTILINE)


def to_torchscript(model: nn.Module) -> bytes:
    """The model in scoring mode as a TorchScript file; the same model gives the same bytes. It is left as it is."""
    buffer = io.BytesIO()
    with without_deprecation():
        torch.jit.save(script(model), buffer)
    return _canonical(buffer.getvalue())


def to_counts(model: nn.Module) -> bytes | None:
    """A model that only counts as `Counts`, which scores without torch; None for every other."""
    if not isinstance(model, Markov):
        return None
    tables = copy.deepcopy(model.counts)
    tables.freeze()
    arrays = {name: tensor.numpy() for name, tensor in tables.named_buffers()}
    return Counts(
        order=np.array(model.order),
        counted=np.array(model.counted),
        prior=np.array(tables.prior, np.float32),
        ends=np.array(tables.ends),
        log_seconds=model.log_seconds.numpy(),
        **arrays,
    ).to_bytes()


def script(model: nn.Module) -> Any:
    """The model in scoring mode as a scripted module, its constant tables filled."""
    ready: Any = copy.deepcopy(model).eval()
    if isinstance(ready, Markov):
        ready.counts.freeze()
    if isinstance(ready, SequenceModel):
        ready.embedding.freeze()
        ready.counts.freeze()
    if isinstance(ready, TabledModel):
        ready.freeze()
    with without_deprecation():
        return torch.jit.script(ready)


def _canonical(data: bytes) -> bytes:
    """The same TorchScript file without what depends on who wrote it.

    Left out: source positions, which hold paths of this machine, and a random id. Put in order: a class's
    constants, which follow Python's hash seed. What remains are the numbers that torch appends to class names it has
    used before: training something else first in the same process changes them, and nothing else.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    kept = {name: content for name, content in files.items() if not name.endswith((".debug_pkl", "/serialization_id"))}
    for name, content in kept.items():
        if name.endswith(".py"):
            kept[name] = _CONSTANTS.sub(lambda block: b"".join(sorted(block[0].splitlines(keepends=True))), content)
    return zipped(sorted(kept.items()))
