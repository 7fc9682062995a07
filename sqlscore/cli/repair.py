"""The command `repair`: rebuild what can be rebuilt of a damaged file."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, locks_explained
from sqlscore.cli.progress import Bar


def repair(
    db: Database,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, and say what would be done.")] = False,
    no_refresh: Annotated[
        bool, typer.Option("--no-refresh", help="Leave it to the next refresh to make wrong scores anew.")
    ] = False,
    json: Json = False,
) -> None:
    """Rebuild damaged tables, views, functions and scores, and say what cannot be rebuilt.

    Example: sqlscore repair shop.duckdb --dry-run
    """
    from sqlscore import repair as verb

    with locks_explained(db), Bar() as progress:
        report = verb(db, dry_run=dry_run, refresh=not no_refresh, progress=progress)
    if json:
        render.as_json(report.to_dict())
        return
    for line in report.done:
        render.say(line)
    for loss in report.lost:
        render.warn(loss.what)
        render.next_command(loss.command)
    if not report.done and not report.lost:
        render.say("nothing to repair")
    elif dry_run:
        render.say("nothing was changed: leave out --dry-run to do this")
