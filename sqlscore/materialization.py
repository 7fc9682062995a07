"""Scores as tables: the sorted scan, encoded in batches, swapped in atomically."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from sqlscore.events import DEFAULT_MAPPING, Mapping
from sqlscore.install import is_table
from sqlscore.mapping import mapped
from sqlscore.queries import one
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.registry import catalog
from sqlscore.scan import scan
from sqlscore.transactions import now, on_own_connection, recorded, transaction
from sqlscore.udfs.types import SCORE_ARROW

if TYPE_CHECKING:
    from sqlscore.artifact import Artifact
    from sqlscore.training import Progress

_STAGING = "refreshing"
_VIEW_OF = {"scored_users": "live_scored_users", "scored_sessions": "live_scored_sessions"}


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh made. Rows by table; `as_of` is the moment of the scores."""

    mapping: str
    model: str
    as_of: datetime | None
    tables: dict[str, int]
    n_events: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def refresh(
    con: duckdb.DuckDBPyConnection,
    *,
    full: bool = False,
    mapping: str = DEFAULT_MAPPING,
    progress: Progress | None = None,
) -> RefreshReport:
    """Score every user and session with the champion, and put the tables in place of the old ones at once.

    A reader sees the old tables or the new ones, never a part; where anything fails the old ones stay.
    full: score everybody again, whatever is stored.

    Raises MappingError or ModelError where there is nothing to score or no model to score with.

    >>> sqlscore.refresh(con).tables
    {'scored_users': 20000, 'scored_sessions': 51234}
    """
    start = time.perf_counter()
    where = mapped(con, mapping)
    artifact = catalog(con).artifact(None, mapping)
    with recorded(con, "refresh", mapping) as details:
        high_water = qualified(where.schema, "high_water")
        row = one(con, f"SELECT high_water, epoch_us(high_water) FROM {high_water}")
        as_of, microseconds = row if row else (None, None)
        tables = {}
        with transaction(con):
            users = _Progress(progress, where, con)
            tables["scored_users"] = _score_users(con, where, artifact, microseconds, users)
            tables["scored_sessions"] = _copy_view(con, where, "scored_sessions")
            users.finish()
        report = RefreshReport(mapping, artifact.name, as_of, tables, users.events, time.perf_counter() - start)
        details.update(report.to_dict(), full=full)
    return report


class _Progress:
    """Counts events as batches pass, for the bar and the report."""

    def __init__(self, progress: Progress | None, mapping: Mapping, con: duckdb.DuckDBPyConnection) -> None:
        self.events = 0
        self._progress = progress
        if progress is not None:
            row = one(con, f"SELECT count(*) FROM {qualified(mapping.schema, 'events')}")
            progress.start("scoring", int(row[0]) if row else 0)

    def advance(self, events: int) -> None:
        self.events += events
        if self._progress is not None:
            self._progress.advance(events)

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.finish()


def _score_users(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, as_of: int | None, progress: _Progress
) -> int:
    """Fill the staging table of `scored_users` from the sorted scan and swap it in."""
    kind = con.sql(f"SELECT user_id FROM {qualified(mapping.schema, 'events')}").types[0]
    schema = pa.schema([pa.field("user_id", _arrow_user_type(con, mapping)), *SCORE_ARROW])
    batches = _score_batches(con, mapping, artifact, as_of, progress, schema)
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    view = "sqlscore_scored_batches"
    con.register(view, reader)
    try:
        select = f"SELECT * REPLACE (CAST(user_id AS {kind}) AS user_id) FROM {view}"
        return _swap_in(con, mapping, "scored_users", select)
    finally:
        con.unregister(view)


def _copy_view(con: duckdb.DuckDBPyConnection, mapping: Mapping, table: str) -> int:
    return _swap_in(con, mapping, table, f"SELECT * FROM {qualified(mapping.schema, _VIEW_OF[table])}")


def _score_batches(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact,
    as_of: int | None,
    progress: _Progress,
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    from sqlscore.udfs.churn import score_states  # torch: only where a model is used

    for users, sequences in scan(con, mapping):
        progress.advance(len(sequences.actions))
        present = np.flatnonzero(sequences.lengths > 0)
        if len(present) == 0:
            continue
        if len(present) < len(sequences):
            users, sequences = users.take(pa.array(present)), sequences.select(present)
        states = artifact.encode(sequences)
        scores = score_states(artifact, states, np.full(len(states), as_of, np.int64))
        yield pa.RecordBatch.from_arrays([users.cast(schema.field("user_id").type), *scores.flatten()], schema=schema)


def _arrow_user_type(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> pa.DataType:
    query = f"SELECT {identifier(mapping.user_id)} FROM {mapping.relation} LIMIT 0"
    kind = con.sql(query).to_arrow_table().schema.field(0).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _swap_in(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, select: str) -> int:
    """Make `name` a table of `select` with its provenance, comments kept; inside the caller's transaction."""
    target, staging = qualified(mapping.schema, name), qualified(mapping.schema, _STAGING)
    view = qualified(mapping.schema, _VIEW_OF[name])
    con.execute(f"CREATE TABLE {staging} AS SELECT *, CAST(NULL AS TIMESTAMP) AS scored_at FROM {view} LIMIT 0")
    con.execute(f"INSERT INTO {staging} BY NAME SELECT *, ?::TIMESTAMP AS scored_at FROM ({select})", [now()])
    kind = "TABLE" if is_table(con, mapping.schema, name) else "VIEW"
    comments = _comments(con, mapping, name)
    con.execute(f"DROP {kind} {target}")
    con.execute(f"ALTER TABLE {staging} RENAME TO {identifier(name)}")
    for what, comment in comments:
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")
    row = one(con, f"SELECT count(*) FROM {target}")
    return int(row[0]) if row else 0


def _comments(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> list[tuple[str, str]]:
    """The comments of a view or table and its columns, which its replacement gets again."""
    target = qualified(mapping.schema, name)
    rows = con.execute(
        """SELECT NULL, comment FROM (SELECT schema_name, view_name AS name, comment FROM duckdb_views()
               WHERE database_name = current_database()
               UNION ALL SELECT schema_name, table_name, comment FROM duckdb_tables()
               WHERE database_name = current_database())
           WHERE schema_name = ? AND name = ? AND comment IS NOT NULL
           UNION ALL SELECT column_name, comment FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = ? AND comment IS NOT NULL""",
        [mapping.schema, name, mapping.schema, name],
    ).fetchall()
    return [
        (f"COLUMN {target}.{identifier(column)}" if column else f"TABLE {target}", comment) for column, comment in rows
    ]
