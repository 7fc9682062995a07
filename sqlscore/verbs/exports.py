"""The verbs `map_export` and `export_sql`: events from the export of a well-known tool."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import duckdb

from sqlscore.database.attaching import attach as attach_now
from sqlscore.database.attaching import leave_nothing_unused
from sqlscore.database.catalog import catalog
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import MappingError
from sqlscore.events.attached import attached_of
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.composition.identity import Identity
from sqlscore.mapping.elsewhere import databases_of
from sqlscore.mapping.left_out import ABSENT
from sqlscore.mapping.presets.effects import effects_of
from sqlscore.mapping.presets.export import Preset
from sqlscore.mapping.presets.loading import loaded_elsewhere
from sqlscore.mapping.presets.located import located
from sqlscore.mapping.presets.opening import at_hand, built, opened
from sqlscore.mapping.presets.promises import check_events
from sqlscore.mapping.presets.registry import preset_named
from sqlscore.mapping.presets.views import statement, view_made
from sqlscore.mapping.profile import ALIKE
from sqlscore.mapping.reading import Asked, mapping_of
from sqlscore.mapping.report import MappingReport
from sqlscore.verbs.mapping import put_mapping

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""Files, globs, folders or tables: one or several."""


@dataclass(frozen=True)
class ExportReport:
    """An export that was mapped, and what its rules did.

    Attributes:
        preset: its name.
        view: the name of the view that reads the export.
        sql: the view's query.
        rules: what the rules dropped or changed, in words, and how many rows that was.
        events: what `map_events` reports of the view.
    """

    preset: str
    view: str
    sql: str
    rules: dict[str, int]
    events: MappingReport

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        own = {"preset": self.preset, "view": self.view, "sql": self.sql, "rules": self.rules}
        return {**own, **self.events.to_dict()}


@on_own_connection
@leave_nothing_unused
def map_export(
    con: duckdb.DuckDBPyConnection,
    preset: str,
    paths: Paths,
    *,
    features: Iterable[str] | Dict[str, Kind] = (),
    name: str = DEFAULT_MAPPING,
    prefix: str | None = None,
    users: str | None = None,
    user_features: Iterable[str] | Dict[str, Kind] = (),
    user_key: str | None = None,
    valid_from: str | None = None,
    attach: Dict[str, str] = MappingProxyType({}),
    table_name: str | None = None,
    time_cap: date | str | None = None,
    exclude_types: Iterable[str] = (),
    device_shared: bool = False,
    identity: str | Identity | None = None,
    group: str | None = None,
    amount: str | None = None,
    copy: bool = False,
    force: bool = False,
    options: Dict[str, Any] | None = None,
) -> ExportReport:
    """Map the export of a tool by the rules of its format: make a view that reads it, and map that.

    The view, `main.PRESET_MAPPING` (`ga4_events`), is an ordinary one, which may be edited; a later `map_export` does
    not touch it then. It reads the files wherever events are read, so that a glob finds new files. XES and OCEL, which
    no view can read, are read into a table beside it, `main.PRESET_MAPPING_log`; a later `map_export` reads that anew.

    Args:
        con: A connection that `connect` made.
        preset: The format, a name of `sqlscore.mapping.presets.registry.PRESETS`.
        paths: What the export consists of: files, globs, folders, tables of the database, of one in `attach`, or of a
            DuckDB file.
        features: Columns of the view for the models; as `map_events` has it.
        name: As `map_events` has it.
        prefix: As `map_events` has it.
        users: As `map_events` has it: users are those of the events, with the devices resolved.
        user_features: As `map_events` has it.
        user_key: As `map_events` has it.
        valid_from: As `map_events` has it.
        attach: As `map_events` has it, for the export and for the tables of users and identities.
        table_name: As `map_events` has it, if the export is a DuckDB file.
        time_cap: As `map_events` has it.
        exclude_types: Actions that are no events, besides those that the format has.
        device_shared: As `map_events` has it, for formats with devices.
        identity: As `map_events` has it: of devices, if the format has some, else of its ids of users.
        group: A column of the view; as `map_events` has it.
        amount: A column of the view; as `map_events` has it.
        copy: Keep the events in the table `main.PRESET_MAPPING_log` too, as the rules of the format leave them: reading
            is faster, and new files are read by a later `map_export` only.
        force: As `map_events` has it.
        options: Options that only this format has: lifecycle of xes, object_type of ocel.

    Raises MappingError for a file that is cut off, of another format, or with values that the format does not have; the
    error names file, column or line. The database is then as it was before.

    Examples:
        >>> sqlscore.map_export(con, "ga4", "exports/events_*.json.gz")
    """
    catalog(con)  # raises on a connection that sqlscore did not open
    format, listed, given = _asked(preset, paths, options)
    found = located(con, listed, databases_of(con, attach, name), table_name)
    view, settled = _view_name(preset, name), tuple(exclude_types)
    with opened(con, format, found, given, view, copy) as (export, query, said):
        about = f"{format.title}, as sqlscore reads it: edit it if you like"
        with view_made(con, view, query, about), at_hand(con, view, query, export) as events:
            remarks = (*said, *export.remarks, *check_events(con, format.title, events, export.ids_of_all))
            asked = Asked(
                features=features,
                name=name,
                prefix=prefix,
                time_cap=time_cap,
                event_id=export.event_id,
                order=export.order,
                exclude_types=(*export.exclude_types, *settled),
                device_id=export.device_id,
                device_shared=device_shared,
                identity=identity,
                group=group,
                amount=amount,
                users=users,
                user_features=user_features,
                user_key=user_key,
                valid_from=valid_from,
                attach=attach,
            )
            report = put_mapping(con, mapping_of(con, view, asked), force, events)
            effects = effects_of(con, export, events, report.profile, identity is None)
    warnings = report.warnings
    if not settled:  # the format's own need not all occur
        warnings = tuple(said for said in warnings if not said.startswith(ABSENT))
    if not export.event_id:  # each event is there once, and those alike are several
        warnings = tuple(said for said in warnings if ALIKE not in said)
    report = replace(report, warnings=(*remarks, *warnings))
    return ExportReport(preset, view, query, effects, report)


@on_own_connection
@leave_nothing_unused
def export_sql(
    con: duckdb.DuckDBPyConnection,
    preset: str,
    paths: Paths,
    *,
    name: str = DEFAULT_MAPPING,
    attach: Dict[str, str] = MappingProxyType({}),
    table_name: str | None = None,
    options: Dict[str, Any] | None = None,
) -> str:
    """The statement that makes the view of `map_export`, and in comments how it is mapped; nothing is changed.

    Args:
        con: Any connection.
        preset: As in `map_export`.
        paths: As in `map_export`.
        name: As in `map_export`.
        attach: As in `map_export`.
        table_name: As in `map_export`.
        options: As in `map_export`.

    Raises MappingError as `map_export` does.
    """
    format, listed, given = _asked(preset, paths, options)
    view = _view_name(preset, name)
    if format.load is None:
        databases = [attached_of(database, where) for database, where in attach.items()]
        attach_now(con, databases)
        export = built(con, format, located(con, listed, databases, table_name), given)
    else:
        with loaded_elsewhere(format, listed, view, given) as (elsewhere, tables):
            export = built(elsewhere, format, tables, given)
    said = {
        "--device-id": export.device_id,
        "--event-id": ",".join(export.event_id),
        "--order": ",".join(export.order),
        "--exclude-type": " --exclude-type ".join(f"'{name}'" for name in export.exclude_types),
    }
    mapped = " ".join([f"--events {view}", *(f"{option} {value}" for option, value in said.items() if value)])
    return f"{statement(view, export.sql)}\n-- mapped with {mapped}"


def _view_name(preset: str, name: str) -> str:
    return f"{preset}_{name}"


def _asked(name: str, paths: Paths, options: Dict[str, Any] | None) -> tuple[Preset, list[str], dict[str, Any]]:
    """The format, what the export consists of, and the options, all checked as far as can be without reading."""
    preset = preset_named(name)
    listed = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    if not listed:
        raise MappingError(f"--from {name} needs the export: name its files, globs or tables")
    given = dict(options or {})
    unknown = sorted(set(given) - set(preset.options))
    if unknown:
        raise MappingError(
            f"{preset.title} has no option {unknown[0]} (options: {', '.join(preset.options) or 'none'})"
        )
    return preset, listed, given
