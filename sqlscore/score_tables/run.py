"""What the parts of one refresh share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.events_query import SOURCE, usable_events
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import Mark
from sqlscore.scoring.artifact import Artifact

if TYPE_CHECKING:
    from sqlscore.progress import Progress

SCORES = ("scored_users", "scored_sessions")


@dataclass(frozen=True)
class Run:
    """What a refresh works with. `reader` holds one snapshot of the events; `con` is in the writing transaction."""

    con: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection
    mapping: Mapping
    artifact: Artifact
    as_of: int  # µs
    mark: Mark
    threads: int | None
    progress: Progress | None

    def table(self, name: str) -> str:
        """The quoted name of a table of this mapping."""
        return qualified(self.mapping.schema, name)


@dataclass(frozen=True)
class Counts:
    """Rows by table, and what went through the model."""

    tables: dict[str, int]
    n_users: int
    n_events: int


def usable_of(run: Run, behind_row: int | None = None) -> str:
    """The events up to the mark, as a query; those behind a row alone."""
    last = run.mark.last_row
    if last is None:
        return usable_events(run.reader, run.mapping)
    behind = "" if behind_row is None else f" AND {SOURCE}.rowid > {int(behind_row)}"
    return usable_events(run.reader, run.mapping, f"{SOURCE}.rowid <= {int(last)}{behind}")
