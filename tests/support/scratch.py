"""Folders for files that tests make without a fixture, as hypothesis' examples and templates do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_PROCESS = tempfile.TemporaryDirectory(prefix="sqlscore-tests-")
_MADE: list[Path] = []


def folder_of_process() -> Path:
    """A new folder that stays until the process ends: for what many tests copy."""
    return Path(tempfile.mkdtemp(dir=_PROCESS.name))


def folder_of_test() -> Path:
    """A new folder that goes when the test ends: a run of the suite makes gigabytes of small databases."""
    _MADE.append(folder_of_process())
    return _MADE[-1]


@pytest.fixture(autouse=True)
def _remove_folders() -> Iterator[None]:
    yield
    while _MADE:
        shutil.rmtree(_MADE.pop())
