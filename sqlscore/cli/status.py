"""The command `status`: what is in the file, and what needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.errors import PROBLEM_FOUND
from sqlscore.cli.options import Database, Json, open_database

if TYPE_CHECKING:
    pass


def status(
    db: Database,
    check: Annotated[
        bool, typer.Option("--check", help=f"Exit with code {PROBLEM_FOUND} where there is a problem.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what is mapped, which model is in use, how old the scores are, and what to mend.

    Example: sqlscore status shop.duckdb --check
    """
    from sqlscore import status as verb

    with open_database(db, read_only=True) as con:
        found = verb(con)
    if json:
        render.as_json(found.to_dict())
    else:
        render.status(found)
    if check and found.problems:
        raise typer.Exit(PROBLEM_FOUND)
