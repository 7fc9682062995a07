"""What the parts of one refresh share, and what they return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.derived_columns import DAYS_SILENT
from sqlscore.database.events_query import SOURCE, usable_events
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import literal, qualified
from sqlscore.score_tables.checksums import Sums
from sqlscore.score_tables.mark import Mark
from sqlscore.scoring.artifact import Artifact

if TYPE_CHECKING:
    from sqlscore.progress import Progress

SCORE_TABLES = ("scored_users", "scored_sessions")


@dataclass(frozen=True)
class Run:
    """What a refresh works with."""

    con: duckdb.DuckDBPyConnection  # in the writing transaction
    reader: duckdb.DuckDBPyConnection  # holds one snapshot of the events
    mapping: Mapping
    artifact: Artifact
    as_of: int  # µs
    scored_at: datetime
    mark: Mark
    threads: int | None
    progress: Progress | None

    def table(self, name: str) -> str:
        """The quoted name of a table of this mapping."""
        return qualified(self.mapping.schema, name)

    @property
    def in_groups(self) -> bool:
        """Whether each user's scores have the moment of the user's groups."""
        return self.mapping.group is not None

    @property
    def stamp(self) -> dict[str, str]:
        """The column that score tables have and Arrow rows lack, as SQL."""
        return {"scored_at": f"{literal(str(self.scored_at))}::TIMESTAMP"}

    @property
    def stamp_of_users(self) -> dict[str, str]:
        """The columns that `scored_users` has and Arrow rows lack, as SQL."""
        return {**self.stamp, "days_silent": DAYS_SILENT}


@dataclass(frozen=True)
class Counts:
    """Rows by table, and how many users and events went through the model.

    `replaced` holds checksums of the rows that were taken out and put in, if others stayed as they were.
    """

    tables: dict[str, int]
    n_users: int
    n_events: int
    replaced: Sums | None = None


def usable_of(run: Run, behind_row: int | None = None) -> str:
    """A query for the events up to the mark; with behind_row only for those after that row."""
    last = run.mark.last_row
    if last is None:
        return usable_events(run.reader, run.mapping)
    behind = "" if behind_row is None else f" AND {SOURCE}.rowid > {int(behind_row)}"
    return usable_events(run.reader, run.mapping, f"{SOURCE}.rowid <= {int(last)}{behind}")
