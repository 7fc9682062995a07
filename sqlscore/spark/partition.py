"""In a Python worker of Spark: a sorted partition of events -> one row a user, which holds the rows of all tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.database.derived_columns import DAYS_SILENT, DERIVED, create_like
from sqlscore.events.mapping import Mapping
from sqlscore.events.sequences import offsets_of
from sqlscore.score_tables.moments import moments_of
from sqlscore.score_tables.rows import score_rows
from sqlscore.score_tables.states_table import comparable
from sqlscore.scoring.artifact import Artifact
from sqlscore.spark.memory import Memory, Sessions, from_column, go_on, remember, to_column
from sqlscore.spark.pieces import NEWEST, PART, Reader, larger, one_thread, pieces
from sqlscore.spark.worker import Shipment, catalog_of

STATE = "sqlscore_state"
"""The column of rows that say what was kept of a user, NULL in rows of events."""

USER, SCORE, SESSIONS, N_EVENTS = "user_id", "score", "sessions", "n_events"
"""Columns of what comes out; STATE is the fifth."""


@dataclass(frozen=True)
class _Scored:
    """N users: their ids, rows of scores, sessions (None: no new ones), what to keep, and (N,) events encoded."""

    ids: pa.Array
    scores: pa.Table
    sessions: Sessions | None
    memory: Memory
    n_events: Ints


@dataclass(frozen=True)
class Scoring:
    """What `DataFrame.mapInArrow` runs for each partition.

    Attributes:
        shipment: the model.
        reader: of the events.
        as_of: µs, the moment of the scores where events have no groups.
        scored_at: the moment of the run, the same in all rows.
        active_within: as `derived_columns.definitions` takes it.
        keep: whether to give the users' states.
        schema: of what comes out, as an Arrow message.
    """

    shipment: Shipment
    reader: Reader
    as_of: int
    scored_at: datetime
    active_within: float | None
    keep: bool
    schema: bytes

    def rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of a partition, sorted by user -> batches with a row for each user."""
        mapping = Mapping.from_json(self.reader.mapping)
        artifact = catalog_of(self.shipment).artifact(None, mapping.name)
        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        with self.reader.open() as con, one_thread() as other:  # the scan's query stays open
            for piece in pieces(batches, mapping.user_id):
                for scored in self._scored(con, artifact, piece, mapping.user_id):
                    yield from self._together(other, schema, artifact, scored)

    def _scored(
        self, con: duckdb.DuckDBPyConnection, artifact: Artifact, piece: pa.Table, key: str
    ) -> Iterator[_Scored]:
        events, known, old = _parted(piece, key)
        seen = np.zeros(len(known), np.bool_)
        for users in self.reader.users(con, events):
            place = _places(users.ids, known)  # (N,) -1 of new users
            for chosen in (np.flatnonzero(place < 0), np.flatnonzero(place >= 0)):
                if not len(chosen):
                    continue
                ids, sequences = users.ids.take(pa.array(chosen)), users.sequences.select(chosen)
                if old is None or place[chosen[0]] < 0:
                    memory, sessions = remember(artifact, ids, sequences)
                else:
                    memory, sessions = go_on(artifact, ids, sequences, old.take(place[chosen]))
                    seen[place[chosen]] = True
                scores = score_rows(ids, memory.states, moments_of(sequences, self.as_of), artifact)
                yield _Scored(ids, scores, sessions, memory, sequences.lengths)
        rest = np.flatnonzero(~seen)
        if old is not None and len(rest):
            ids, memory, none = known.take(pa.array(rest)), old.take(rest), np.zeros(len(rest), np.int64)
            yield _Scored(ids, score_rows(ids, memory.states, none + self.as_of, artifact), None, memory, none)

    def _together(
        self, con: duckdb.DuckDBPyConnection, schema: pa.Schema, artifact: Artifact, scored: _Scored
    ) -> Iterator[pa.RecordBatch]:
        size, of_sessions = len(scored.ids), schema.field(SESSIONS).type
        sessions = pa.nulls(size, of_sessions)
        if scored.sessions is not None:
            offsets = pa.array(offsets_of(scored.sessions.counts).astype(np.int32))
            values = _structs(self._stamped(scored.sessions.rows), of_sessions.value_type)
            sessions = pa.ListArray.from_arrays(offsets, values)
        kept = to_column(scored.memory, artifact.name) if self.keep else pa.nulls(size, schema.field(STATE).type)
        score = _structs(self._derived(con, scored.scores), schema.field(SCORE).type)
        columns = [scored.ids, score, sessions, kept, pa.array(scored.n_events)]
        yield from pa.table(columns, [USER, SCORE, SESSIONS, STATE, N_EVENTS]).cast(schema).to_batches()

    def _derived(self, con: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
        """Rows of scores with the columns that follow from them, by the SQL that makes them in a DuckDB file."""
        con.register("sqlscore_rows", self._stamped(rows))
        con.execute("DROP TABLE IF EXISTS sqlscore_scored")  # of a task that was given up
        create_like(con, "sqlscore_scored", "FROM sqlscore_rows", self.active_within)
        con.execute(f"INSERT INTO sqlscore_scored BY NAME SELECT *, {DAYS_SILENT} AS {DERIVED[0]} FROM sqlscore_rows")
        made = con.sql("FROM sqlscore_scored").to_arrow_table()
        con.execute("DROP TABLE sqlscore_scored")
        con.unregister("sqlscore_rows")
        return made

    def _stamped(self, rows: pa.Table) -> pa.Table:
        moment = pa.array([self.scored_at], pa.timestamp("us")).take(pa.repeat(0, len(rows)))
        return rows.append_column("scored_at", moment)


@dataclass(frozen=True)
class Newest:
    """What `DataFrame.mapInArrow` runs to find the newest event of each group, or of all."""

    reader: Reader
    whole: bool  # partitions are sorted by user, and events are told apart by ids
    part: pa.DataType

    def rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of events -> PART and NEWEST, several times the same part."""
        schema = pa.schema([(PART, self.part), (NEWEST, pa.timestamp("us", "UTC"))])
        key = Mapping.from_json(self.reader.mapping).user_id
        tables = pieces(batches, key) if self.whole else (pa.Table.from_batches([b]) for b in larger(batches))
        with self.reader.open() as con:
            for piece in tables:
                yield from self.reader.newest(con, piece).cast(schema).to_batches()


def _parted(piece: pa.Table, key: str) -> tuple[pa.Table, pa.Array, Memory | None]:
    """Rows of events; users of whom something was kept, and what that is."""
    if STATE not in piece.column_names:
        return piece, pa.nulls(0), None
    kept = pc.is_valid(piece.column(STATE))
    old, events = piece.filter(kept), piece.filter(pc.invert(kept)).drop_columns(STATE)
    if not len(old):
        return events, pa.nulls(0), None
    return events, _one(old.column(key)), from_column(_one(old.column(STATE)))


def _places(ids: pa.Array, known: pa.Array) -> Ints:
    """(N,) where each of these users is among those that are known, -1 if it is not."""
    if not len(known):
        return np.full(len(ids), -1, np.int64)
    wanted = comparable(ids)
    found = pc.index_in(wanted, value_set=comparable(known).cast(wanted.type))
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def _structs(rows: pa.Table, kind: pa.StructType) -> pa.StructArray:
    """The columns of a table that a struct has, in the order of the struct."""
    return _one(rows.select([field.name for field in kind]).to_struct_array())


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
