"""A trained model -> TorchScript bytes; beside `sqlscore.artifact` the only user of torch.jit's save and script."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import torch
from torch import nn


def to_torchscript(model: nn.Module) -> bytes:
    """The model in scoring mode as a TorchScript file. The model itself is left as it is."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        torch.jit.save(script(model), buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def script(model: nn.Module) -> Any:
    """The model in scoring mode as a scripted module, its constant tables filled."""
    ready: Any = copy.deepcopy(model).eval()
    if hasattr(ready, "events"):
        ready.events.freeze_tables()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        return torch.jit.script(ready)
