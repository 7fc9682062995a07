"""`init --from`: the export of a well-known tool, mapped by the rules of its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sqlscore.cli import render
from sqlscore.cli.options import open_database
from sqlscore.cli.progress import working

if TYPE_CHECKING:
    from sqlscore.verbs.exports import ExportReport


def refuse_without_from(paths: Sequence[str] | None, show_sql: bool, options: Mapping[str, Any]) -> None:
    """Raise typer.BadParameter for what only --from takes."""
    if paths:
        raise typer.BadParameter(f"{paths[0]!r} is one name too many: --events takes one, --from FORMAT several")
    if show_sql:
        raise typer.BadParameter("--show-sql shows the view of --from FORMAT: without it there is none")
    for option in options:
        raise typer.BadParameter(f"--{option.replace('_', '-')} is an option of a format: it goes with --from FORMAT")


_SETTLED = "the format says it"
_REASONS = {
    "--user-id": _SETTLED,
    "--event-time": _SETTLED,
    "--event-type": _SETTLED,
    "--time-unit": _SETTLED,
    "--event-id": _SETTLED,
    "--order": _SETTLED,
    "--device-id": _SETTLED,
    "--level": "its actions have one level; map it first, and then a view of its view that adds the coarser column",
    "--append-only": "rows come late and twice, which the rules of the format undo",
    "--source": "an export is one source; map it first, and then its view as one of several: --source FORMAT_events",
}
"""Why an option does not go with --from."""


def named_paths(preset: str, paths: Sequence[str] | None, events: str | None, unfit: Mapping[str, object]) -> list[str]:
    """What the export consists of.

    Args:
        preset: The value of --from.
        paths: What stands behind it.
        events: The value of --events, which is as good.
        unfit: What does not go with a format, by option, and what the user says of it.

    Raises typer.BadParameter if nothing is named, or an option does not go with --from.
    """
    given = [option for option, value in unfit.items() if value]
    if given:
        why = "; ".join(dict.fromkeys(_REASONS[option] for option in given))
        own = f"; to have it otherwise, map a view of your own made of what --from {preset} --show-sql prints"
        raise typer.BadParameter(
            f"{', '.join(given)} does not go with --from {preset}: {why}{own if _SETTLED in why else ''}"
        )
    named = [*(paths or ()), *([events] if events is not None else [])]
    if not named:
        raise typer.BadParameter(f"--from {preset} needs the export: name its files, globs, folders or tables")
    return named


def print_sql(db: str, preset: str, paths: Sequence[str], **given: Any) -> None:
    """Print the view that would be made; nothing is changed, and no file is made.

    Args:
        db: The file.
        preset: The format.
        paths: What the export consists of.
        **given: The other arguments of `export_sql`.
    """
    from sqlscore import export_sql

    if Path(db).exists():
        with open_database(db, read_only=True) as con:
            sql = export_sql(con, preset, paths, **given)
    else:
        import duckdb

        with duckdb.connect() as con:
            sql = export_sql(con, preset, paths, **given)
    typer.echo(sql)


def map_paths(db: str, preset: str, paths: Sequence[str], **given: Any) -> tuple[ExportReport, bool]:
    """Map the export; also whether the mapping has a champion.

    Args:
        db: The file.
        preset: The format.
        paths: What the export consists of.
        **given: The other arguments of `map_export`.
    """
    from sqlscore import list_models, map_export

    with working("reading the export"), open_database(db, create=True) as con:
        report = map_export(con, preset, paths, **given)
        champion = any(model.is_champion and model.mapping == given["name"] for model in list_models(con))
    return report, champion


def show_rules(report: Mapping[str, Any]) -> None:
    """What the rules of the format dropped or changed."""
    render.say(f"{report['preset']}: the view {report['view']} reads the export")
    render.facts([(what, f"{count:,}") for what, count in report["rules"].items()])
