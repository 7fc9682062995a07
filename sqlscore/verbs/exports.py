"""The verbs `map_export` and `export_sql`: events from the export of a well-known tool."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import MappingError
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.left_out import ABSENT
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.presets.loading import loaded, loaded_elsewhere
from sqlscore.mapping.presets.promises import ForeignExportError, check_events
from sqlscore.mapping.presets.registry import looks_like, preset_named
from sqlscore.mapping.presets.views import statement, view_made
from sqlscore.mapping.profile import ALIKE
from sqlscore.mapping.report import MappingReport
from sqlscore.verbs.mapping import map_events

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
def map_export(
    con: duckdb.DuckDBPyConnection,
    preset: str,
    paths: Paths,
    *,
    features: Iterable[str] | Dict[str, Kind] = (),
    name: str = DEFAULT_MAPPING,
    prefix: str | None = None,
    time_cap: date | str | None = None,
    exclude_types: Iterable[str] = (),
    device_shared: bool = False,
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
        paths: What the export consists of: files, globs, folders, or tables of the database.
        features: Columns of the view for the models; as `map_events` has it.
        name: As `map_events` has it.
        prefix: As `map_events` has it.
        time_cap: As `map_events` has it.
        exclude_types: Actions that are no events, besides those that the format has.
        device_shared: As `map_events` has it, for formats with devices.
        force: As `map_events` has it.
        options: Options that only this format has: lifecycle of xes, object_type of ocel.

    Raises MappingError for a file that is cut off, of another format, or with values that the format does not have; the
    error names file, column or line. The database is then as it was before.

    >>> sqlscore.map_export(con, "ga4", "exports/events_*.json.gz")
    """
    catalog(con)  # raises on a connection that sqlscore did not open
    format, listed, given = _asked(preset, paths, options)
    view = _view_name(preset, name)
    with loaded(con, format, listed, view, given) as (found, said):
        export = _built(con, format, found, given)
        remarks = (*said, *export.remarks, *check_events(con, format.title, export.sql, export.ids_of_all))
        with view_made(con, view, export.sql, f"{format.title}, as sqlscore reads it: edit it if you like"):
            report = map_events(
                con,
                view,
                features=features,
                name=name,
                prefix=prefix,
                time_cap=time_cap,
                event_id=export.event_id,
                order=export.order,
                exclude_types=(*export.exclude_types, *exclude_types),
                device_id=export.device_id,
                device_shared=device_shared,
                force=force,
            )
    if not tuple(exclude_types):  # the format's own need not all occur
        report = replace(report, warnings=tuple(said for said in report.warnings if not said.startswith(ABSENT)))
    if not export.event_id:  # each event is there once, and those alike are several
        report = replace(report, warnings=tuple(said for said in report.warnings if ALIKE not in said))
    report = replace(report, warnings=(*remarks, *report.warnings))
    return ExportReport(preset, view, export.sql, _effects(con, export, report), report)


@on_own_connection
def export_sql(
    con: duckdb.DuckDBPyConnection,
    preset: str,
    paths: Paths,
    *,
    name: str = DEFAULT_MAPPING,
    options: Dict[str, Any] | None = None,
) -> str:
    """The statement that makes the view of `map_export`, and in comments how it is mapped; nothing is changed.

    Args:
        con: Any connection.
        preset: As in `map_export`.
        paths: As in `map_export`.
        name: As in `map_export`.
        options: As in `map_export`.

    Raises MappingError as `map_export` does.
    """
    format, listed, given = _asked(preset, paths, options)
    view = _view_name(preset, name)
    if format.load is None:
        export = _built(con, format, listed, given)
    else:
        with loaded_elsewhere(format, listed, view, given) as (elsewhere, found):
            export = _built(elsewhere, format, found, given)
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


def _built(con: duckdb.DuckDBPyConnection, preset: Preset, paths: Sequence[str], options: dict[str, Any]) -> Export:
    try:
        return preset.build(con, paths, options)
    except ForeignExportError as error:
        other = looks_like(error.columns)
        remedy = "give the export as it is delivered, or map its columns by hand: init --events"
        if other is not None and other is not preset:
            remedy = f"this looks like {other.title}: --from {other.name}"
        raise MappingError(f"{error}: {remedy}") from error


def _effects(con: duckdb.DuckDBPyConnection, export: Export, report: MappingReport) -> dict[str, int]:
    """What the rules dropped or changed: rows by what was done."""
    seen = report.profile
    effects = {"rows of the export": seen.n_rows}
    read = () if "delivered" not in export.parts else (Counted("rows of the export", "SELECT count(*) FROM delivered"),)
    for counted in (*read, *export.counted):
        (effects[counted.what],) = one(con, f"{export.beginning}{counted.sql}") or (0,)
    if export.event_id:
        effects["rows delivered again, left out"] = seen.n_repeated
    if export.exclude_types or seen.n_excluded:
        effects["rows of actions that are no events, left out"] = seen.n_excluded
    effects["rows without user or device, left out"] = seen.n_null_user
    if export.device_id:
        known, resolved = one(
            con,
            f"""WITH events AS ({export.sql}), known AS (
                    SELECT DISTINCT device_id FROM events WHERE user_id IS NOT NULL AND device_id IS NOT NULL)
                SELECT (SELECT count(*) FROM known),
                    (SELECT count(*) FROM events SEMI JOIN known USING (device_id) WHERE user_id IS NULL)""",
        ) or (0, 0)
        effects["devices whose user is known"] = known
        effects["rows of theirs without a user, given to him or her"] = resolved
    return effects
