"""The command `watch`: triggers on the events note whose events change."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database


def watch(
    db: Database,
    score: Annotated[bool, typer.Option("--score", help="Also score the users of inserted events at once.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --score: DuckDB without sqlscore may not insert.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Undo it: drop the triggers.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the tables will refuse.")] = False,
    mapping: MappingName = "events",
    json: Json = False,
) -> None:
    """Let triggers note whose events change, so that a refresh need not look at all of them.

    Example: sqlscore watch shop.duckdb
    """
    from sqlscore import unwatch
    from sqlscore import watch as verb

    with open_database(db) as con:
        if stop:
            stopped = unwatch(con, mapping=mapping)
            said = f'changes of "{mapping}" are noted no longer' if stopped else f'"{mapping}" was not watched'
            render.done({"stopped": stopped}, said, json)
            return
        planned = verb(con, score=score, mapping=mapping, dry_run=True)
        if not json:
            for hazard in planned.hazards:
                render.warn(hazard)
        report = planned if dry_run else verb(con, score=score, yes=yes, mapping=mapping)
    if json:
        render.as_json(report)
    elif not dry_run:
        already = "already " if report.unchanged else ""
        scored = ", and users scored as their events come in" if report.score else ""
        render.say(f'changes of {", ".join(report.tables)} are {already}noted for "{mapping}"{scored}')
        if not report.unchanged:
            render.next_step("sqlscore", "refresh", db, *(() if mapping == "events" else ("--mapping", mapping)))
