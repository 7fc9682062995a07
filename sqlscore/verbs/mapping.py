"""The verbs `map_events` and `unmap`: which relation holds the events, and what its columns are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import duckdb

from sqlscore.database.attaching import leave_nothing_unused
from sqlscore.database.catalog import catalog, mapped, synchronize
from sqlscore.database.mapping_objects import install_mapping, install_unmapped, remove_mapping
from sqlscore.database.transactions import now, on_own_connection, recorded, transaction
from sqlscore.database.triggers import stop
from sqlscore.database.unmapped import note_unmapped
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping, TimeUnit
from sqlscore.mapping.composition.identity import Identity
from sqlscore.mapping.composition.sources import Source
from sqlscore.mapping.presets.registry import hint, hint_of
from sqlscore.mapping.readers import forget_views, note_views, views_changed
from sqlscore.mapping.reading import Asked, mapping_of
from sqlscore.mapping.remapping import (
    drop_scores,
    fit_past_scores,
    is_current,
    past_rows,
    refuse_to_drop,
    rows_to_drop,
    stored_mapping,
)
from sqlscore.mapping.report import MappingReport, report_on
from sqlscore.mapping.watch import (
    MAPPED,
    Finding,
    Watched,
    forget_profiles,
    read_profiles,
    write_profile,
)
from sqlscore.scoring.catalog import unmapped


@on_own_connection
@leave_nothing_unused
def map_events(
    con: duckdb.DuckDBPyConnection,
    table: str | Iterable[Source | str],
    *,
    user_id: str = "user_id",
    event_time: str = "event_time",
    event_type: str = "event_type",
    level: str | None = None,
    features: Iterable[str] | Dict[str, Kind] = (),
    name: str = DEFAULT_MAPPING,
    prefix: str | None = None,
    users: str | None = None,
    user_features: Iterable[str] | Dict[str, Kind] = (),
    user_key: str | None = None,
    valid_from: str | None = None,
    attach: Dict[str, str] = MappingProxyType({}),
    table_name: str | None = None,
    time_unit: TimeUnit | None = None,
    time_cap: date | str | None = None,
    event_id: str | Iterable[str] = (),
    order: str | Iterable[str] = (),
    exclude_types: str | Iterable[str] = (),
    device_id: str | None = None,
    device_shared: bool = False,
    identity: str | Identity | None = None,
    group: str | None = None,
    amount: str | None = None,
    append_only: bool = False,
    force: bool = False,
) -> MappingReport:
    """Say where the events are; the SQL functions then work on that table and on any relation with its columns.

    Mapped like this already, nothing changes. Another mapping under the same name drops the tables that were made with
    the old one, and does so only if asked to; models, the champion and the past scores stay.

    Args:
        con: A connection that `connect` made.
        table: A table, a view or a file (Parquet, CSV, JSON; a glob too); a DuckDB file, or a Delta or Iceberg table by
            its folder; or a table of a database in `attach`, "shop.public.clicks". Or several `Source`s with columns of
            their own, which are then one sequence a user: such events have the columns user_id, event_time, event_type,
            source and those of the sources by name.
        user_id: The column that says who.
        event_time: The column that says when.
        event_type: The column that says what was done.
        level: A column coarser than event_type. Its values are then the actions that are predicted, counted and shown,
            and models read event_type as a category besides.
        features: Extra columns for the models; a dict says "categorical" or "numeric" if the type does not.
        name: Several tables may be mapped in one file; the functions of "events" have no prefix.
        prefix: Begins the names of this mapping's functions; by default the name and "_", and none for "events".
        users: A table, view or file of what is known of users. Each event gets the attributes of its user, NULL if none
            is known, and models read them as they read other columns.
        user_features: Its columns that are attributes; a dict says "categorical" or "numeric" if the type does not.
        user_key: Its column that says who; by default named as in the events, or user_id.
        valid_from: Its column of times from which a row holds: an event then gets what held at its time, and nothing
            that came later. Without it there is one row a user, which holds always.
        attach: Databases besides the file by name: "postgres:dbname=shop host=...", "sqlite:FILE", "ducklake:..." or
            the path of a DuckDB or SQLite file. They are kept in the mapping and attached again, for reading, by every
            verb and by `connect`. No password: it comes from PGPASSWORD, ~/.pgpass or a secret of DuckDB.
        table_name: Which table is meant if `table` is a DuckDB file of several.
        time_unit: The unit of epoch numbers, s, ms, us or ns; by default inferred from their median.
        time_cap: Events later than this are left out; without it, those later than now.
        event_id: The column, or the columns together, that tell a user's events apart. Of rows with the same id the
            first by time is the event; the others are deliveries of it and do not count. Functions over rows of the
            table itself read what they are given: `sqlscore.events` and what reads it have each event once.
        order: The column, or the columns, that order events of one user at one moment, wherever events are read:
            numbers, times or text, NULL last. Without it, and where it decides nothing, the action's name does.
        exclude_types: Actions that are no events, such as heartbeats: they are left out wherever events are read.
        device_id: The column of devices. What a device does before and after a login is then one person's: an event
            without a user is of the device's last one, and devices nobody logged in on are users `device:ID`.
        device_shared: A device belongs to whoever logged in last before the event, as one that several people use.
        identity: A table of who had which device (with `device_id`), or of which ids are one person's (without); an
            `Identity` names its columns. With times from which rows hold, it says so by span of time.
        group: The column that says to which site, tenant or country an event belongs, where these end at different
            dates: a group's users are scored as of its newest event, and labelled up to then. NULL is a group too.
        amount: The column that says what an event is worth, in a unit of yours: NULL and 0 are nothing, less is a
            refund. Models read it as a number, and `finetune(con, amount=True)` learns from it what users will spend.
        append_only: A promise that rows are never changed or deleted, which makes refreshes cheaper.
        force: Map in place of another mapping of this name, although its scores are dropped.

    Raises MappingError or EventsError, which name the column and what is in it, or the tables that would be dropped,
    SourceError if another database cannot be read; the file is then as it was before.

    Examples:
        >>> sqlscore.map_events(con, "clicks", user_id="client id", event_time="ts", event_type="what")
    """
    asked = Asked(
        user_id=user_id,
        event_time=event_time,
        event_type=event_type,
        level=level,
        features=features,
        name=name,
        prefix=prefix,
        time_unit=time_unit,
        time_cap=time_cap,
        event_id=event_id,
        order=order,
        exclude_types=exclude_types,
        device_id=device_id,
        device_shared=device_shared,
        identity=identity,
        group=group,
        amount=amount,
        users=users,
        user_features=user_features,
        user_key=user_key,
        valid_from=valid_from,
        attach=attach,
        table_name=table_name,
        append_only=append_only,
    )
    try:
        mapping = mapping_of(con, table, asked)
    except (MappingError, EventsError) as error:
        known = hint_of(con, table) if isinstance(table, str) else None
        if known is None:
            raise
        raise type(error)(f"{error}; {known}") from error
    report = put_mapping(con, mapping, force)
    known = None if mapping.event_id else hint((*mapping.columns, *(one.name for one in report.candidates)))
    return replace(report, warnings=(*report.warnings, known)) if known is not None else report


def put_mapping(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, force: bool = False, copy: str | None = None
) -> MappingReport:
    """Map events as said, in place of what has the name: what `map_events` does once it knows the columns.

    Args:
        con: A connection that `connect` made.
        mapping: What is to be mapped.
        force: As `map_events` has it.
        copy: As `report_on` has it.

    Raises MappingError or EventsError, as that does.
    """
    catalog(con)  # raises on a connection that sqlscore did not open
    old = stored_mapping(con, mapping.name)
    if old is not None and old != mapping:
        refuse_to_drop(con, old, mapping, force)
    report, watched, found = report_on(con, mapping, copy)
    if old == mapping:
        _mend(con, mapping, watched, found)
        return replace(report, unchanged=True)
    if old is not None:
        report = replace(report, dropped=rows_to_drop(con, old), kept=past_rows(con, old))
    return _store(con, report, watched, found, old or (unmapped() if mapping.name == DEFAULT_MAPPING else None))


def _mend(con: duckdb.DuckDBPyConnection, mapping: Mapping, watched: Watched, found: tuple[Finding, ...]) -> None:
    """Make anew the views of a mapping, and its profile, where they are not what they would be."""
    current, profiled = is_current(con, mapping), read_profiles(con, mapping.name).mapped is not None
    if current and profiled and not views_changed(con, mapping):
        return
    with recorded(con, "map_events", mapping.name), transaction(con):
        note_views(con, mapping)
        if not profiled:
            write_profile(con, mapping.name, MAPPED, watched, found)
        if not current:
            fit_past_scores(con, mapping)
            install_mapping(con, mapping)


_WATCHED = "changes of the events are noted no longer: watch again (sqlscore watch) to have it so"


def _store(
    con: duckdb.DuckDBPyConnection,
    report: MappingReport,
    watched: Watched,
    found: tuple[Finding, ...],
    before: Mapping | None,
) -> MappingReport:
    """Put a mapping in place of the one before, in one transaction; past scores stay. Returns the report."""
    mapping = report.mapping
    with recorded(con, "map_events", mapping.name) as details, transaction(con):
        if stop(con, mapping):  # the tables may be others now
            report = replace(report, warnings=(*report.warnings, _WATCHED))
        if report.dropped:
            drop_scores(con, mapping)
        details.update(report.to_dict())
        fit_past_scores(con, mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [mapping.name])
        con.execute(
            "INSERT INTO sqlscore.mappings (name, mapping, report, mapped_at) VALUES (?, ?, ?, ?)",
            [mapping.name, mapping.to_json(), json.dumps(report.to_dict(), default=str), now()],
        )
        note_views(con, mapping)
        write_profile(con, mapping.name, MAPPED, watched, found)
        if mapping.name == DEFAULT_MAPPING:
            note_unmapped(con, False)
        install_mapping(con, mapping, before)
    synchronize(con)
    return report


@on_own_connection
@leave_nothing_unused
def unmap(con: duckdb.DuckDBPyConnection, name: str = DEFAULT_MAPPING) -> None:
    """Undo `map_events`: remove its functions, views and score tables; the user's events and the models stay.

    Raises MappingError if nothing is mapped under that name.
    """
    mapping = mapped(con, name, read=False)
    with recorded(con, "unmap", name), transaction(con):
        stop(con, mapping)
        remove_mapping(con, mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        forget_profiles(con, name)
        forget_views(con, name)
        if name == DEFAULT_MAPPING:
            note_unmapped(con, True)
            install_unmapped(con)
    synchronize(con)
