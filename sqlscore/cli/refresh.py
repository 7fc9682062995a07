"""The command `refresh`: score every user whose events changed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar

if TYPE_CHECKING:
    from sqlscore.verbs.refresh import RefreshReport


def refresh(
    db: Database,
    full: Annotated[bool, typer.Option("--full", help="Score every user again, changed or not.")] = False,
    keep_history: Annotated[
        bool, typer.Option("--keep-history", help="Keep these scores, for later events to judge (past_scores).")
    ] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Store users' vectors for similar_users; later refreshes keep them.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Score events that a guard refuses; later ones are compared with them.")
    ] = False,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Bring the tables of scores up to date, for dashboards and for readers without sqlscore.

    Example: sqlscore refresh shop.duckdb
    """
    from sqlscore import refresh as verb
    from sqlscore.errors import GuardWarning

    with open_database(db, device=device) as con, Bar() as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", GuardWarning)  # the report has them too
        report = verb(
            con, full=full, keep_history=keep_history, vectors=vectors, accept=accept, mapping=mapping, progress=bar
        )
    if json:
        render.as_json(report)
    else:
        show_refresh(report)


def show_refresh(report: RefreshReport) -> None:
    """What a refresh did, in one sentence."""
    rows = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in report.tables.items())
    render.say(
        f"{rows} from {report.n_events:,} events, by {report.model} as of {report.as_of}, in {report.seconds:.1f} s"
    )
    for warning in report.warnings:
        render.warn(warning)
    for note in report.notes:
        render.say(f"note: {note}")
