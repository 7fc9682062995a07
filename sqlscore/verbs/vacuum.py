"""The verb `vacuum`: throw away what is older than the file keeps, and give room back to the disk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.errors import InstallError
from sqlscore.times import in_words, to_seconds
from sqlscore.upkeep.retention import DEFAULT, cut_runs, cut_tables, store_span, stored_span
from sqlscore.upkeep.rewriting import rewrite as rewrite_file
from sqlscore.verbs.connect import connect, register_functions


@dataclass(frozen=True)
class VacuumReport:
    """What a vacuum did."""

    database: str
    keep: str  # the span in words
    removed: dict[str, int]  # rows by table
    bytes_before: int
    bytes_after: int
    rewritten: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def vacuum(
    database: str | Path | duckdb.DuckDBPyConnection,
    *,
    keep: str | float | timedelta | None = None,
    rewrite: bool = False,
) -> VacuumReport:
    """Delete runs, past scores and interventions that were written longer ago than the file keeps them.

    Of each verb, mapping and outcome the newest run stays. Events, models and the newest scores are not touched. The
    engine uses the room again that deleted rows leave; `rewrite` gives it back to the disk.

    Args:
        database: The file, or a connection to it that `connect` made.
        keep: How long to keep them, such as "400 days"; it is stored in the file, and from then on a refresh that keeps
            its scores throws older ones away too. By default what is stored, or 400 days if nothing is.
        rewrite: Copy the file without its holes, compare the copy with it, and put it in its place. Nothing else may
            have the file open, and there must be room for both.

    Raises InstallError if the file is not there, is open elsewhere in this process, or if a copy would not be the same;
    then the file stays as it was.

    Examples:
        >>> sqlscore.vacuum("shop.duckdb", keep="180 days").removed
        {'sqlscore.runs': 310, 'sqlscore.past_scores': 20400}
    """
    seconds = to_seconds(keep)
    asked = None if seconds is None else timedelta(seconds=seconds)
    if isinstance(database, duckdb.DuckDBPyConnection):
        if rewrite:
            raise InstallError("a file is rewritten while nothing has it open: close the connection, and pass the path")
        return _vacuumed(database, asked)
    path = Path(database)
    if not path.is_file():
        raise InstallError(f"there is no database file {path}: check its name")
    with connect(path) as con:
        if rewrite and one(con, "FROM duckdb_connection_count()") != (1,):
            raise InstallError(f"{path} is open elsewhere in this process: close that first, then rewrite it")
        report = _vacuumed(con, asked)
    if not rewrite:
        return report
    memory = duckdb.connect()
    register_functions(memory, ":memory:")
    rewrite_file(path, memory)
    return VacuumReport(
        report.database, report.keep, report.removed, report.bytes_before, path.stat().st_size, rewritten=True
    )


@on_own_connection
def _vacuumed(con: duckdb.DuckDBPyConnection, asked: timedelta | None) -> VacuumReport:
    row = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    path = row[0] if row and row[0] else None
    before = _size(path)
    span = asked or stored_span(con) or DEFAULT
    with recorded(con, "vacuum", "*") as details, transaction(con):
        if asked is not None:
            store_span(con, asked)
        removed = {"sqlscore.runs": cut_runs(con, span)}
        for mapping in catalog(con).snapshot.mappings.values():
            removed |= cut_tables(con, mapping, span)
        details.update(keep=in_words(span.total_seconds()), removed=removed)
    with suppress(duckdb.TransactionException):  # another connection is writing; the engine does it later
        con.execute("CHECKPOINT")
    kept = in_words(span.total_seconds())
    return VacuumReport(path or ":memory:", kept, removed, before, _size(path), rewritten=False)


def _size(path: str | None) -> int:
    """Bytes of the file and of the engine's log beside it; 0 in memory."""
    files = [] if path is None else [Path(path), Path(f"{path}.wal")]
    return sum(file.stat().st_size for file in files if file.exists())
