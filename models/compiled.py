"""A module that runs as Python at first, and is compiled once that pays."""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import Any

import torch
from torch import nn

from sqlscore.scoring.torchscript import without_deprecation

CALLS = 300
"""Encodings by one thread after which a module is compiled.

`python benchmarks/loading.py`: compiling takes 0.04 to 0.3 s of a processor, and about twice that where it is the
first of a process; a call of Python takes 0.4 to 1.3 ms more than one of TorchScript. So it has paid after 80 to 240
calls, or twice as many, and a process that only looks up a few users never pays it.
"""

EVENTS = 600_000
"""Events that are encoded while another thread encodes too, after which a module is compiled.

Two threads of Python hand its lock over at every step, those of TorchScript do without. `python benchmarks/loading.py
--threads`, `gru`: that is 0.2 s of the clock for a million events, so that compiling pays after a million or so, and a
scan that has come more than half as far mostly goes on for as long.
"""
_ENCODE = ("encode", "encode_each")


class SoonCompiled:
    """A frozen module on its device; what it answers is the same before and after, to the last bit.

    Several threads may call it: those that are at work while one compiles go on with the Python module. From Python
    3.14 on TorchScript does not exist, and the module stays as it is.
    """

    def __init__(self, module: nn.Module, calls: int = CALLS, events: int = EVENTS) -> None:
        self._module: Any = module
        self._calls, self._events = calls, events  # that are left
        self._inside = 0
        self._counts = sys.version_info < (3, 14)
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if self._counts and name in _ENCODE:
            return partial(self._encoded, name)
        return getattr(self._module, name)

    def _encoded(self, name: str, batch: Any, *state: Any) -> Any:
        with self._lock:
            self._inside += 1
            self._calls -= 1
            if self._inside > 1:
                self._events -= batch.times.shape[0]
            due = self._counts and (self._calls <= 0 or self._events <= 0)
            if due:  # for one thread alone
                self._counts = False
        try:
            if due:
                with without_deprecation():
                    self._module = torch.jit.script(self._module)
            return getattr(self._module, name)(batch, *state)
        finally:
            with self._lock:
                self._inside -= 1
