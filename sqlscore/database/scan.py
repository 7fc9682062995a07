"""The sorted scan: events streamed from DuckDB in bounded batches of whole users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.database.events_query import rows_of
from sqlscore.events.mapping import HIGH_WATER, Mapping
from sqlscore.events.reading import from_columns
from sqlscore.events.sequences import Sequences
from sqlscore.quoting import identifier

EVENTS_PER_BATCH = 80_000
"""Enough to cut into pieces of sequences of like length: see `pieces`."""

_CONTENT = "sqlscore_content"

Content = npt.NDArray[np.uint64]


class Users(NamedTuple):
    """A batch of whole users: their ids, their sequences, and the sum modulo 2^64 of their events' hashes.

    `content` is zeros if the scan was not asked for it.
    """

    ids: pa.Array  # (N,)
    sequences: Sequences  # N
    content: Content  # (N,)


def scan(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    *,
    where: str | None = None,
    parameters: Sequence[Any] = (),
    events_per_batch: int = EVENTS_PER_BATCH,
    content: bool = False,
    high_water: bool = False,
) -> Iterator[Users]:
    """Yield batches of users, each user whole and once, in order of user id.

    Memory holds one batch of events, or one user if that is more.

    Args:
        con: A cursor that is used for nothing else while batches are drawn, since its query stays open.
        mapping: The events.
        where: A condition in SQL over the mapping's column names, with `?` for `parameters`.
        parameters: Values for `where`.
        events_per_batch: About how many events a batch has.
        content: Whether to hash the events too.
        high_water: Whether the events have the column HIGH_WATER, to be read into the sequences.
    """
    names = [identifier(name) for name in mapping.columns]
    user, time = names[:2]
    hashed = f", hash({', '.join(names[1:])}) AS {_CONTENT}" if content else ""
    read = [*names, identifier(HIGH_WATER)] if high_water else names
    condition = f"{user} IS NOT NULL" + (f" AND ({where})" if where else "")
    query = f"SELECT {', '.join(read)}{hashed} FROM {rows_of(con, mapping)} WHERE {condition} ORDER BY {user}, {time}"
    reader = con.sql(query, params=list(parameters)).to_arrow_reader(events_per_batch)
    for table in whole_users(reader, mapping.user_id):
        yield _cut(table, mapping)


def whole_users(reader: Iterable[pa.RecordBatch], user_id: str) -> Iterator[pa.Table]:
    """Regroup batches that are sorted by user, so that no user spans two."""
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


def _cut(table: pa.Table, mapping: Mapping) -> Users:
    columns = {name: _one_chunk(table.column(name)) for name in table.column_names}
    users = columns.pop(mapping.user_id)
    changed = pc.not_equal(users[1:], users[:-1]).to_numpy(zero_copy_only=False)
    starts: Ints = np.append(0, np.flatnonzero(changed) + 1)
    offsets = np.append(starts, len(users)).astype(np.int64)
    content = np.zeros(len(starts), np.uint64)
    if _CONTENT in columns:
        content = np.add.reduceat(columns.pop(_CONTENT).to_numpy(), starts)
    return Users(users.take(pa.array(starts)), from_columns(columns, offsets, mapping), content)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
