"""Scores as they are sent: JSON, or a stream of Arrow IPC."""

from __future__ import annotations

import math
from collections.abc import Mapping as Dict
from itertools import pairwise
from typing import Any

import pyarrow as pa

from sqlscore.live.asked import Asked
from sqlscore.live.refusals import as_body


def as_json(asked: Asked, values: Dict[str, list[Any]]) -> bytes:
    """One object a sequence, in the order of the request. values: N each, by the keys of the functions."""
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    if asked.ids is not None:
        rows = [{"id": name, **row} for name, row in zip(asked.ids, rows, strict=True)]
    return as_body({"results": rows})


def as_arrow(asked: Asked, columns: Dict[str, pa.Array]) -> bytes:
    """One row a sequence: `id`, if there was one, then a column for each function."""
    named = {} if asked.ids is None else {"id": asked.ids}
    table = pa.table({**named, **columns})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def plain(column: pa.Array) -> list[Any]:
    """A column as JSON's values: moments as ISO text in UTC, numbers that are none as null.

    Structs go field by field, which is several times faster than value by value.
    """
    kind = column.type
    if pa.types.is_struct(kind):
        fields = [plain(field) for field in column.flatten()]
        names = [field.name for field in kind]
        rows: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
        return rows if not column.null_count else _without_nulls(column, rows)
    if pa.types.is_list(kind):
        offsets = column.offsets.to_pylist()
        first = offsets[0]
        inside = plain(column.values.slice(first, offsets[-1] - first))  # those of this part of a batch alone
        lists: list[Any] = [inside[start - first : stop - first] for start, stop in pairwise(offsets)]
        return lists if not column.null_count else _without_nulls(column, lists)
    values: list[Any] = column.to_pylist()
    if pa.types.is_timestamp(kind):
        return [None if value is None else value.isoformat() + "Z" for value in values]
    if pa.types.is_floating(kind):
        return [value if value is None or math.isfinite(value) else None for value in values]
    return values


def _without_nulls(column: pa.Array, values: list[Any]) -> list[Any]:
    return [value if there else None for value, there in zip(values, column.is_valid().to_pylist(), strict=True)]
