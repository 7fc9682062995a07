"""A module that runs as Python at first, and is compiled once it has been called often enough for that to pay."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import torch
from torch import nn

from sqlscore.scoring.torchscript import without_deprecation

CALLS = 300
"""Encodings after which a module is compiled.

`python benchmarks/loading.py`: compiling takes 0.04 to 0.3 s of a processor, and about twice that where it is the
first of a process; a call of Python takes 0.4 to 1.3 ms more than one of TorchScript. So it has paid after 80 to 240
calls, or twice as many, and a process that only looks up a few users never pays it.
"""
_ENCODE = ("encode", "encode_each")


class SoonCompiled:
    """A frozen module on its device; what it answers is the same before and after, to the last bit.

    Several threads may call it: those that are at work while one compiles go on with the Python module. From Python
    3.14 on TorchScript does not exist, and the module stays as it is.
    """

    def __init__(self, module: nn.Module, calls: int = CALLS) -> None:
        self._module: Any = module
        self._calls = itertools.count(1)
        self._last = calls if sys.version_info < (3, 14) else 0

    def __getattr__(self, name: str) -> Any:
        if name in _ENCODE and next(self._calls) == self._last:  # one thread alone sees this number
            with without_deprecation():
                self._module = torch.jit.script(self._module)
        return getattr(self._module, name)
