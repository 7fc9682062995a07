"""The sorted scan: a mapped events table streamed from DuckDB as whole users, a bounded batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.events import Mapping
from sqlscore.quoting import identifier
from sqlscore.sequences import Sequences, from_columns

EVENTS_PER_BATCH = 65_536


def scan(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    *,
    where: str | None = None,
    parameters: Sequence[Any] = (),
    events_per_batch: int = EVENTS_PER_BATCH,
) -> Iterator[tuple[pa.Array, Sequences]]:
    """Yield (user ids, their sequences), each user whole and once, in order of user id.

    where: a condition in SQL over the user's own column names, with `?` for `parameters`.
    Memory holds a batch of events, or one user where that is more. Runs on a cursor of its own, so that the
    caller's connection stays free.
    """
    columns = ", ".join(identifier(name) for name in mapping.columns)
    user, time = identifier(mapping.user_id), identifier(mapping.event_time)
    condition = f"{user} IS NOT NULL" + (f" AND ({where})" if where else "")
    query = f"SELECT {columns} FROM {mapping.relation} WHERE {condition} ORDER BY {user}, {time}"
    with con.cursor() as cursor:
        reader = cursor.sql(query, params=list(parameters)).to_arrow_reader(events_per_batch)
        for table in _whole_users(reader, mapping.user_id):
            yield _cut(table, mapping)


def _whole_users(reader: pa.RecordBatchReader, user_id: str) -> Iterator[pa.Table]:
    """Regroup batches so that no user spans two."""
    held: list[pa.Table] = []
    for batch in reader:
        if len(batch) == 0:
            continue
        table = pa.Table.from_batches([batch])
        users = table.column(user_id)
        last = users[-1]
        if held and held[-1].column(user_id)[-1] != users[0]:
            yield pa.concat_tables(held)
            held = []
        differs = pc.not_equal(users, last)
        start = int(pc.sum(differs).as_py() or 0)  # sorted: the last user's events are at the end
        if start and (held or start < len(table)):
            yield pa.concat_tables([*held, table.slice(0, start)])
            held = []
        held.append(table.slice(start))
    if held:
        yield pa.concat_tables(held)


def _cut(table: pa.Table, mapping: Mapping) -> tuple[pa.Array, Sequences]:
    columns = {name: _one_chunk(table.column(name)) for name in mapping.columns}
    users = columns.pop(mapping.user_id)
    changed = pc.not_equal(users[1:], users[:-1]).to_numpy(zero_copy_only=False)
    starts = np.append(0, np.flatnonzero(changed) + 1)
    offsets = np.append(starts, len(users)).astype(np.int64)
    return users.take(pa.array(starts)), from_columns(columns, offsets, mapping)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
