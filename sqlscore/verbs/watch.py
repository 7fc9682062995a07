"""The verbs `watch` and `unwatch`: triggers on the events tables note whose events change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.materialized import is_table
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.database.triggers import scores_inserts, start, stop, tables_to_watch, watch_key
from sqlscore.errors import InstallError, MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.hazards import PLAIN, hazards_of
from sqlscore.score_tables.mark import note_scoring


@dataclass(frozen=True)
class WatchReport:
    """What is watched, and what the tables refuse from then on."""

    mapping: str
    tables: tuple[str, ...]  # quoted names
    hazards: tuple[str, ...]
    score: bool = False  # whether the users of inserted events are scored at once
    unchanged: bool = False  # they were watched already

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def watch(
    con: duckdb.DuckDBPyConnection,
    *,
    score: bool = False,
    yes: bool = False,
    mapping: str = DEFAULT_MAPPING,
    dry_run: bool = False,
) -> WatchReport:
    """Let triggers on the events tables note whose events change, so that a refresh reads these users alone.

    The triggers are plain SQL, which any DuckDB of 2.0 or newer runs with every INSERT, UPDATE, DELETE, COPY and
    appender, inside the transaction that changes the events. What no trigger saw is noticed, and then all events are
    compared as they are without triggers; so they are by the first refresh from now on.

    Transactions that have changed these tables and are open now fail when they commit.

    With `score`, another trigger scores the users of inserted events with the champion, in the same transaction, so
    that `scored_users` is never behind; it is made for small batches. The next refresh scores all users.

    Args:
        con: A connection that `connect` made.
        score: Also score the users of inserted events at once.
        yes: With `score`: a DuckDB without sqlscore may be unable to insert into these tables.
        mapping: The name of the mapping.
        dry_run: Only say what would be watched, and what the tables would refuse.

    Raises MappingError if the events are in anything but tables of the file, or if a row of one user can change the
    events of another, or if there is no table to keep current, InstallError if the file has the format of an older
    DuckDB, or if `score` is not confirmed by `yes`.

    Examples:
        >>> sqlscore.watch(con).tables
        ('"main"."clicks"',)
    """
    source = mapped(con, mapping)
    tables = tables_to_watch(con, source)
    hazards = hazards_of(con, tables, score)
    names = tuple(events.relation for events in tables)
    unchanged = watch_key(con, source) is not None and scores_inserts(con, source) == score
    if dry_run or unchanged:
        return WatchReport(mapping, names, hazards, score, unchanged=not dry_run)
    if score and not yes:
        raise InstallError(f"{PLAIN.format(them=', '.join(names))}: if that is meant, pass yes=True (--yes)")
    if score and not is_table(con, source.schema, "scored_users"):
        raise MappingError("there are no scores to keep current: refresh first (sqlscore refresh)")
    with recorded(con, "watch", mapping) as details, transaction(con):
        if scores_inserts(con, source) or score:
            note_scoring(con, source)
        start(con, source, score)
        details.update(tables=names, score=score)
    return WatchReport(mapping, names, hazards, score)


@on_own_connection
def unwatch(con: duckdb.DuckDBPyConnection, *, mapping: str = DEFAULT_MAPPING) -> bool:
    """Undo `watch`: drop the triggers and what they noted. Refreshes compare all events again.

    Args:
        con: A connection that `connect` made.
        mapping: The name of the mapping.

    Returns whether anything was watched.

    Raises MappingError if there is no such mapping.

    Examples:
        >>> sqlscore.unwatch(con)
        True
    """
    source = mapped(con, mapping, read=False)
    with recorded(con, "unwatch", mapping), transaction(con):
        if scores_inserts(con, source):
            note_scoring(con, source)
        return stop(con, source)
