"""The command `dbt`: a dbt project for a file."""

from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, open_database


def dbt(
    db: Database,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the project.", show_default=False)],
    json: Json = False,
) -> None:
    """Write a dbt project: sessions, labels and scores of DB as models with tests.

    Example: sqlscore dbt shop.duckdb scoring
    """
    from sqlscore.dbt.project import write_project

    open_database(db).close()  # says what is wrong with it before dbt does, in more words
    written = [str(path) for path in write_project(folder, db)]
    render.done({"folder": str(folder), "written": written}, f"{len(written)} files written to {folder}", json)
    if not json:
        render.next_step("dbt", "build", "--project-dir", str(folder), "--profiles-dir", str(folder))
