"""The verb `repair`: rebuild what can be rebuilt of a damaged file, and say what cannot be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import synchronize
from sqlscore.database.queries import one
from sqlscore.database.transactions import cursor_in_utc, recorded, transaction
from sqlscore.errors import InstallError, SqlscoreError
from sqlscore.events.mapping import Mapping
from sqlscore.sql.names import SCHEMA
from sqlscore.upkeep.files_beside import remove, stale_files
from sqlscore.upkeep.findings import Findings, Loss
from sqlscore.upkeep.mapping_rows import mend_mappings, mend_profiles
from sqlscore.upkeep.models import VERB, mend_models
from sqlscore.upkeep.objects import UnboundViewsError, mend_objects, mend_registry
from sqlscore.upkeep.registry_rows import mend_columns, mend_rows
from sqlscore.upkeep.score_columns import mend_score_columns
from sqlscore.upkeep.scores import forget_refresh, wrong_scores
from sqlscore.verbs.connect import opened, register_functions
from sqlscore.verbs.refresh import refresh as refresh_verb

if TYPE_CHECKING:
    from sqlscore.progress import Progress

Step = Callable[[duckdb.DuckDBPyConnection], Findings]


@dataclass(frozen=True)
class RepairReport:
    """What a repair did, or would do."""

    database: str
    done: tuple[str, ...]  # what was mended, one line each
    lost: tuple[Loss, ...]  # what cannot be rebuilt, and the command that comes nearest to it
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def repair(
    database: str | Path | duckdb.DuckDBPyConnection,
    *,
    dry_run: bool = False,
    refresh: bool = True,
    progress: Progress | None = None,
) -> RepairReport:
    """Rebuild tables, views, functions and scores of a file that somebody damaged, as far as it still tells how.

    Each step is a transaction of its own, so that a repair that was killed can be run again. Tables of the registry get
    their columns and sound rows again; mappings come back from the record of runs; views and functions are made anew; a
    damaged champion gives way to the newest sound model; scores that are not whole, that somebody edited, or that are
    not the champion's are made anew. Locks and half-written files of dead processes beside the file are removed. A
    sound file stays as it is.

    Args:
        database: The file, which nothing else may have open for writing, or a connection to it that `connect` or
            `duckdb.connect` made and that is in no transaction.
        dry_run: Change nothing, and report what would be done.
        refresh: Make wrong scores anew now; otherwise the next refresh does so.
        progress: Is told how many events were scored.

    Raises InstallError if there is no such file, or nothing of sqlscore in it, duckdb.Error if DuckDB cannot open it.

    Examples:
        >>> for line in sqlscore.repair("shop.duckdb").done:
        ...     print(line)
    """
    if isinstance(database, duckdb.DuckDBPyConnection):
        row = one(database, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
        path = row[0] if row and row[0] else None
        with cursor_in_utc(database) as own:
            return _repaired(own, path, dry_run, refresh, progress)
    if not Path(database).is_file():
        raise InstallError(f"there is no database file {database}: check its name")
    with opened(str(database)) as con, cursor_in_utc(con) as own:
        return _repaired(own, str(database), dry_run, refresh, progress)


def _repaired(
    con: duckdb.DuckDBPyConnection, path: str | None, dry_run: bool, refresh: bool, progress: Progress | None
) -> RepairReport:
    if one(con, _ANY_TABLE, [SCHEMA]) is None:
        raise InstallError(f"{path or 'this database'} holds nothing of sqlscore: `sqlscore init` maps events in it")
    register_functions(con, path or ":memory:")
    found = Findings()
    stale = stale_files(Path(path)) if path is not None else []
    found.done += [
        f"{each.name}, which a dead process left, {'would be' if dry_run else 'was'} removed" for each in stale
    ]
    unbound: list[str] = []
    steps: tuple[Step, ...] = (
        mend_columns, mend_rows, mend_registry, mend_mappings, mend_models, _mend_columns_of_scores,
        partial(mend_objects, unbound=unbound), _mend_profiles,
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):
        if dry_run:
            found.add(_without_unbound(partial(_tried, con, steps, progress), unbound))
        else:
            remove(stale)
            for step in steps:
                found.add(_without_unbound(partial(_taken, con, step), unbound))
            synchronize(con)
            found.add(_scores(con, refresh, progress))
            if found.done:
                with recorded(con, VERB, "*") as details:
                    details.update(done=found.done, lost=[asdict(loss) for loss in found.lost])
    name = path or ":memory:"
    lost = tuple(Loss(loss.what, loss.command.replace(" DB", f" {name}")) for loss in found.lost)
    return RepairReport(name, tuple(found.done), lost, dry_run)


def _without_unbound(work: Callable[[], Findings], unbound: list[str]) -> Findings:
    """What work in a transaction of its own finds; where views cannot be bound to scores, it is done without these.

    unbound: the names of mappings whose scores are left out, added to here.
    """
    while True:
        try:
            return work()
        except UnboundViewsError as error:
            unbound.append(error.mapping)


def _taken(con: duckdb.DuckDBPyConnection, step: Step) -> Findings:
    """What one step finds and mends."""
    with transaction(con):
        return step(con)


def _tried(con: duckdb.DuckDBPyConnection, steps: Sequence[Step], progress: Progress | None) -> Findings:
    """What all steps find, one after the other; nothing of it stays."""
    found = Findings()
    with _undone(con):
        for step in steps:
            found.add(step(con))
        found.add(_scores(con, None, progress))
    return found


_ANY_TABLE = "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ? LIMIT 1"


def _mend_columns_of_scores(con: duckdb.DuckDBPyConnection) -> Findings:
    found = Findings()
    for mapping in _mappings(con):
        found.add(mend_score_columns(con, mapping))
    return found


def _mend_profiles(con: duckdb.DuckDBPyConnection) -> Findings:
    found = Findings()
    for mapping in _mappings(con):
        with suppress(duckdb.Error):  # events that cannot be read are a finding of their own
            found.add(mend_profiles(con, mapping))
    return found


def _scores(con: duckdb.DuckDBPyConnection, refresh: bool | None, progress: Progress | None) -> Findings:
    """Make wrong scores anew; where that fails or is not wanted, have the next refresh do so. None: only report."""
    found = Findings()
    for mapping in _mappings(con):
        wrong = wrong_scores(con, mapping)
        if wrong is None:
            continue
        again, said = f"sqlscore refresh DB{_option(mapping)}", f'the scores of "{mapping.name}"'
        if refresh is None:
            found.done.append(f"{said} would be made anew: {wrong}")
            continue
        if refresh:
            try:
                report = refresh_verb(con, full=True, mapping=mapping.name, progress=progress)
            except (SqlscoreError, duckdb.Error) as error:
                found.lose(f"{said} could not be made anew ({error})", again)
            else:
                found.done.append(f"{said} were made anew ({report.n_users_encoded:,} users): {wrong}")
                continue
        else:
            found.lose(f"{said} are still to be made anew", again)
        with transaction(con):
            forget_refresh(con, mapping)
        found.done.append(f'the next refresh of "{mapping.name}" scores all users: {wrong}')
    return found


def _option(mapping: Mapping) -> str:
    return "" if mapping.schema == SCHEMA else f" --mapping {mapping.name}"


def _mappings(con: duckdb.DuckDBPyConnection) -> list[Mapping]:
    rows = con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()
    return [Mapping.from_json(text) for (text,) in rows]


@contextmanager
def _undone(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Roll back at the end, whatever happened."""
    con.begin()
    try:
        yield
    finally:
        with suppress(duckdb.TransactionException):
            con.rollback()
