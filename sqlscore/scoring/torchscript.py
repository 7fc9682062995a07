"""What writing and loading a model share: reproducible zip files, and silence about the age of TorchScript."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the oldest that the format can hold."""


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip file, not compressed; the same names and contents in the same order give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return buffer.getvalue()


@contextmanager
def without_deprecation() -> Iterator[None]:
    """Hide torch's warning that TorchScript is deprecated: users of sqlscore can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        yield
