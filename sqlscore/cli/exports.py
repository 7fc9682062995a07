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


def named_paths(
    preset: str, paths: Sequence[str] | None, events: str | None, settled: Mapping[str, object]
) -> list[str]:
    """What the export consists of.

    Args:
        preset: The value of --from.
        paths: What stands behind it.
        events: The value of --events, which is as good.
        settled: What the format settles, by option, where the user says it nevertheless.

    Raises typer.BadParameter if nothing is named, or an option does not go with --from.
    """
    given = [option for option, value in settled.items() if value]
    if given:
        raise typer.BadParameter(
            f"{', '.join(given)}: --from {preset} settles it; to have it otherwise, make a view of your own out of "
            "what --show-sql prints, and map that with --events"
        )
    named = [*(paths or ()), *([events] if events is not None else [])]
    if not named:
        raise typer.BadParameter(f"--from {preset} needs the export: name its files, globs, folders or tables")
    return named


def print_sql(db: str, preset: str, paths: Sequence[str], name: str, options: Mapping[str, Any]) -> None:
    """Print the view that would be made; nothing is changed, and no file is made."""
    from sqlscore import export_sql

    if Path(db).exists():
        with open_database(db, read_only=True) as con:
            sql = export_sql(con, preset, paths, name=name, options=options)
    else:
        import duckdb

        with duckdb.connect() as con:
            sql = export_sql(con, preset, paths, name=name, options=options)
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
