"""Columns between numpy and Arrow without pandas.

pyarrow imports pandas, where it is installed, with the first `pa.array`, `pa.scalar` or `to_numpy` of a process, and
takes a sixth of a second for it. What a score passes through is made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bools = npt.NDArray[np.bool_]


def column_of(values: npt.NDArray[Any], missing: Bools | None = None) -> pa.Array:
    """(N,) numbers or truth values -> a column in the same memory, NULL where `missing`."""
    kind = pa.from_numpy_dtype(values.dtype)
    bits = values.dtype == np.bool_
    valid = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = np.packbits(values, bitorder="little") if bits else np.ascontiguousarray(values)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(data)])


def texts_of(texts: Sequence[str]) -> pa.Array:
    """(N,) VARCHAR."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def repeated(text: str, size: int) -> pa.Array:
    """(N,) VARCHAR, the same everywhere."""
    return texts_of([text]).take(column_of(np.zeros(size, np.int32)))


def numbers_of(column: pa.Array, null: Any = 0) -> npt.NDArray[Any]:
    """(N,) numbers or truth values -> (N,), NULL as `null`.

    The memory is the column's and not to be written to, unless there are NULLs or truth values.
    """
    size, start = len(column), column.offset
    valid, data = column.buffers()
    if pa.types.is_boolean(column.type):
        values: npt.NDArray[Any] = _bits(data, start, size)
    else:
        kind = np.dtype(_FLOATS.get(str(column.type), str(column.type)))
        values = np.frombuffer(data or b"", kind, start + size)[start:] if size else np.zeros(0, kind)
    if valid is None or not column.null_count:
        return values
    return np.where(_bits(valid, start, size), values, np.asarray(null, values.dtype))


def is_valid(column: pa.Array) -> Bools:
    """(N,) which rows are not NULL."""
    return numbers_of(column.is_valid())


def rows_where(column: pa.Array, null: bool = False) -> npt.NDArray[np.int64]:
    """(N,) truth values -> int64 (M,): the rows where it is true."""
    return np.flatnonzero(numbers_of(column, null))


_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""What numpy calls them; integers have one name."""


def _bits(data: pa.Buffer | None, start: int, size: int) -> Bools:
    if data is None or not size:
        return np.zeros(size, np.bool_)
    first = start // 8
    packed = np.frombuffer(data, np.uint8)[first : (start + size + 7) // 8]
    return np.unpackbits(packed, bitorder="little", count=start - 8 * first + size)[start - 8 * first :].view(np.bool_)
