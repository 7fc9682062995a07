"""What reads bytes and texts of others, and how it is judged.

A target makes an input from a source of random numbers, and reads it. Reading returns if the input was taken, raises
one of the errors of `refuses` if it was not, and fails on what is wrong: a score that is none, or any other exception.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        make: An input, from random numbers.
        read: Reads it.
        refuses: What it may raise.
        valid: An input that must be taken.
    """

    make: Callable[[Random], Any]
    read: Callable[[Any], object]
    refuses: tuple[type[Exception], ...]
    valid: Any


def temporary_file() -> Path:
    """A file in a folder of its own, which is gone when the process ends."""
    folder = tempfile.mkdtemp(prefix="sqlscore-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "file"


def assert_finite(value: Any) -> None:
    """A score, NULL, or a list or struct of these."""
    if isinstance(value, float):
        assert np.isfinite(value), "a score is no number"
    elif isinstance(value, dict):
        for part in value.values():
            assert_finite(part)
    elif isinstance(value, list):
        for part in value:
            assert_finite(part)
