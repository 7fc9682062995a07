"""In a Python worker of Spark: a partition's rows, sorted by user, as pieces of whole users in DuckDB's own scan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.high_water import newest_by_part, with_high_water
from sqlscore.database.scan import EVENTS_PER_BATCH, Users, scan, whole_users
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier

_EVENTS, _GROUPS = "sqlscore_piece", "sqlscore_newest_of_groups"
PART, NEWEST = "part", "high_water"


@dataclass(frozen=True)
class Reader:
    """Reads pieces of a partition by the same SQL by which DuckDB reads a mapped table.

    Attributes:
        mapping: as JSON; its relation is not read.
        groups: PART and NEWEST of the groups, as an Arrow stream; None where the mapping has none.
    """

    mapping: str
    groups: bytes | None = None

    def open(self) -> duckdb.DuckDBPyConnection:
        """A connection for a partition."""
        con = one_thread()
        if self.groups is not None:
            con.register(_GROUPS, pa.ipc.open_stream(self.groups).read_all())
        return con

    def users(self, con: duckdb.DuckDBPyConnection, piece: pa.Table) -> Iterator[Users]:
        """The users of a piece that have usable events; a piece of many events comes in several batches."""
        mapping = replace(Mapping.from_json(self.mapping), relation=identifier(_EVENTS))
        con.register(_EVENTS, without_zones(piece))
        events = usable_events(con, mapping)
        if mapping.group is not None:
            events = with_high_water(events, mapping.group, _GROUPS)
        yield from scan(con, canonical(mapping, events), high_water=mapping.group is not None)
        con.unregister(_EVENTS)

    def newest(self, con: duckdb.DuckDBPyConnection, piece: pa.Table) -> pa.Table:
        """The newest usable event of each group in a piece: PART, NULL without groups, and NEWEST."""
        mapping = replace(Mapping.from_json(self.mapping), relation=identifier(_EVENTS))
        con.register(_EVENTS, without_zones(piece))
        events = usable_events(con, mapping)
        query = f"SELECT CAST(NULL AS VARCHAR) AS {PART}, max(event_time) AS {NEWEST} FROM ({events})"
        found = con.sql(query if mapping.group is None else newest_by_part(events, mapping.group)).to_arrow_table()
        con.unregister(_EVENTS)
        return found


def one_thread() -> duckdb.DuckDBPyConnection:
    """A connection of its own to nothing, of one thread: Spark has a worker on every core."""
    return _nothing().cursor()


@cache
def _nothing() -> duckdb.DuckDBPyConnection:
    """Opened once a process, which takes the time of scoring a thousand users."""
    return duckdb.connect(config={"threads": 1})


def pieces(batches: Iterable[pa.RecordBatch], user_id: str) -> Iterator[pa.Table]:
    """Whole users, sorted, in pieces of about EVENTS_PER_BATCH rows, or of one user if that has more."""
    yield from whole_users(larger(batches), user_id)


def larger(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of EVENTS_PER_BATCH rows or a little more: Spark's are small."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= EVENTS_PER_BATCH:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def without_zones(table: pa.Table) -> pa.Table:
    """Instants as TIMESTAMP in UTC, which is what they are in Arrow, and what a TIMESTAMP is in DuckDB."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            naive = pc.cast(table.column(place).cast(pa.timestamp("us", "UTC")), pa.timestamp("us"))
            table = table.set_column(place, field.name, naive)
    return table
