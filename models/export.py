"""A trained model -> TorchScript: what an older or another runtime reads, and what many calls run faster as."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from typing import Any

import torch
from torch import nn

from sqlscore.models.frozen import freeze
from sqlscore.scoring.torchscript import without_deprecation, zipped

_CONSTANTS = re.compile(rb"(?:^  \w+ : Final\[.*\n){2,}", re.MULTILINE)


def to_torchscript(model: nn.Module) -> bytes:
    """The model in scoring mode as a TorchScript file; the same model gives the same bytes. It is left as it is."""
    buffer = io.BytesIO()
    with without_deprecation():
        torch.jit.save(script(model), buffer)
    return _canonical(buffer.getvalue())


def script(model: nn.Module) -> Any:
    """The model in scoring mode as a scripted module, its constant tables filled."""
    with without_deprecation():
        return torch.jit.script(freeze(copy.deepcopy(model)))


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
