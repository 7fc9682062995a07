"""Commands about the events and their scores: init, unmap, refresh, status, forget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database
from sqlscore.cli.progress import working
from sqlscore.errors import MappingError

if TYPE_CHECKING:
    import duckdb

    from sqlscore.events.kinds import Kind
    from sqlscore.events.mapping import TimeUnit

_READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}


def init(
    db: Database,
    events: Annotated[
        str,
        typer.Option("--events", metavar="FILE|TABLE", help="A table or view of DB, or a Parquet, CSV or JSON file."),
    ],
    user_id: Annotated[str, typer.Option("--user-id", metavar="C", help="Column: who.")] = "user_id",
    event_time: Annotated[str, typer.Option("--event-time", metavar="C", help="Column: when.")] = "event_time",
    event_type: Annotated[str, typer.Option("--event-type", metavar="C", help="Column: did what.")] = "event_type",
    level: Annotated[
        str | None,
        typer.Option("--level", metavar="C", help="Column: the same, coarser; predict this, read --event-type too."),
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="C", help="An extra column for the models; repeat it.")
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option("--categorical", metavar="C", help="As --feature, for numbers that are codes; repeat it."),
    ] = None,
    name: Annotated[str, typer.Option("--mapping", help="A name for it; several tables may be mapped.")] = "events",
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="What stands before the names of the functions.")
    ] = None,
    time_unit: Annotated[str | None, typer.Option("--time-unit", help="Of epoch numbers: s, ms, us or ns.")] = None,
    time_cap: Annotated[str | None, typer.Option("--time-cap", metavar="TIME", help="Leave out later events.")] = None,
    append_only: Annotated[bool, typer.Option("--append-only", help="Rows are never changed or deleted.")] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Import the file as a table instead of reading it in place.")
    ] = False,
    json: Json = False,
) -> None:
    """Say where the events are and what their columns are called.

    Example: sqlscore init shop.duckdb --events clicks.parquet --user-id visitor --event-time ts --event-type action
    """
    from sqlscore import map_events

    kinds: dict[str, Kind | None] = dict.fromkeys(feature or ())
    kinds |= dict.fromkeys(categorical or (), "categorical")
    with (
        working("reading the events"),
        _undone_on_failure(db),
        open_database(db, create=True) as con,
        _table_of(con, events, name, copy) as table,
    ):
        report = map_events(
            con,
            table,
            user_id=user_id,
            event_time=event_time,
            event_type=event_type,
            level=level,
            features=cast("dict[str, Kind]", kinds),
            name=name,
            prefix=prefix,
            time_unit=cast("TimeUnit | None", time_unit),
            time_cap=time_cap,
            append_only=append_only,
        )
    if json:
        render.as_json(report.to_dict())
    else:
        render.mapping_report(report.to_dict())
        render.next_step("sqlscore", "train", db, *(() if name == "events" else ("--mapping", name)))


def unmap(db: Database, name: MappingName = "events", json: Json = False) -> None:
    """Undo init: its functions, views and score tables go; the events and the models stay.

    Example: sqlscore unmap shop.duckdb
    """
    from sqlscore import unmap as verb

    with open_database(db) as con:
        verb(con, name)
    render.done({"unmapped": name}, f'"{name}" is no longer mapped', json)


@contextmanager
def _undone_on_failure(db: str) -> Iterator[None]:
    """Take away a database file that was made for a mapping which then failed."""
    made_here = not Path(db).exists()
    try:
        yield
    except BaseException:
        if made_here:
            Path(db).unlink(missing_ok=True)
            Path(f"{db}.wal").unlink(missing_ok=True)
        raise


@contextmanager
def _table_of(con: duckdb.DuckDBPyConnection, events: str, name: str, copy: bool) -> Iterator[str]:
    """What to map: `events` itself, or the table that it was imported as, which goes again where mapping fails.

    Raises MappingError where it is no file that can be imported.
    """
    if not copy:
        yield events
        return
    from sqlscore.quoting import identifier

    reader = _READERS.get(Path(events).suffix.casefold())
    if reader is None:
        raise MappingError(f'--copy imports files, and "{events}" is none of {", ".join(_READERS)}: leave --copy out')
    con.execute(f"CREATE TABLE {identifier(name)} AS FROM {reader}(?)", [events])
    try:
        yield name
    except BaseException:
        con.execute(f"DROP TABLE {identifier(name)}")
        raise
