"""The commands `materialize` and `history`: tables of scores under names of the user."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import working

Into = Annotated[
    str, typer.Option("--into", metavar="TABLE", help="The table to make, replaced if it is there; SCHEMA.TABLE too.")
]
ModelChoice = Annotated[
    str | None, typer.Option("--model", metavar="NAME@V", help="Which model (default: the champion).")
]


def materialize(
    db: Database,
    events: Annotated[
        str,
        typer.Argument(metavar="SQL|TABLE|FILE", help="Events with the mapping's columns: a SELECT, a table, a file."),
    ],
    into: Into,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="When the scores are valid (default: newest event).")
    ] = None,
    model: ModelChoice = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Score the users of any events in bulk, into a table of your own.

    Example: sqlscore materialize shop.duckdb "FROM events WHERE country = 'DE'" --into german_scores
    """
    from sqlscore import materialize as verb

    with open_database(db, device=device) as con, working("scoring"):
        made = verb(con, events, into=into, as_of=as_of, model=model, mapping=mapping)
    render.done(made, f"{made.table}: {made.rows:,} users, scored by {made.model}", json)


def history(
    db: Database,
    into: Into,
    events: Annotated[
        str | None,
        typer.Option("--events", metavar="SQL|TABLE|FILE", help="Other events than the mapped ones, same columns."),
    ] = None,
    model: ModelChoice = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Score every user after every event, from the events up to it alone, into a table of your own.

    Example: sqlscore history shop.duckdb --into score_history
    """
    from sqlscore import score_history

    with open_database(db, device=device) as con, working("scoring"):
        made = score_history(con, into=into, events=events, model=model, mapping=mapping)
    render.done(made, f"{made.table}: {made.rows:,} events, scored by {made.model}", json)
