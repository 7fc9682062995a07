"""How modules run when they score."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def inference() -> Iterator[None]:
    """Without gradients, and each operation as the module says it.

    TorchScript's optimiser, which watches a graph's first run and rewrites it for the next ones, costs half a second
    for each module of a process, and leaves these modules, a few large operations each, slower than they were. The
    switch is the thread's own.
    """
    with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
        yield
