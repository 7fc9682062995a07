"""A trained model -> TorchScript bytes; beside `sqlscore.artifact` the only user of torch.jit's save and script."""

from __future__ import annotations

import copy
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from sqlscore.models.wholes.tabled import TabledModel

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CONSTANTS = re.compile(rb"(?:^  \w+ : Final\[.*\n){2,}", re.MULTILINE)


def to_torchscript(model: nn.Module) -> bytes:
    """The model in scoring mode as a TorchScript file; the same model gives the same bytes. It is left as it is."""
    buffer = io.BytesIO()
    with _without_deprecation():
        torch.jit.save(script(model), buffer)
    return _canonical(buffer.getvalue())


def script(model: nn.Module) -> Any:
    """The model in scoring mode as a scripted module, its constant tables filled."""
    ready: Any = copy.deepcopy(model).eval()
    if hasattr(ready, "events"):
        ready.events.freeze()
    if isinstance(ready, TabledModel):
        ready.freeze()
    with _without_deprecation():
        return torch.jit.script(ready)


@contextmanager
def _without_deprecation() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        yield


def _canonical(data: bytes) -> bytes:
    """The same TorchScript file without what depends on who wrote it.

    Left out: source positions, which hold paths of this machine, and a random id. Put in order: a class's
    constants, which follow Python's hash seed. What remains are the numbers that torch appends to class names it has
    used before: training something else first in the same process changes them, and nothing else.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            if name.endswith((".debug_pkl", "/serialization_id")):
                continue
            if name.endswith(".py"):
                content = _CONSTANTS.sub(lambda block: b"".join(sorted(block[0].splitlines(keepends=True))), content)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return buffer.getvalue()
