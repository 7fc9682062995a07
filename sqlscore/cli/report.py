"""The command `report`: a page about the scores, to send around."""

from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database


def report(
    db: Database,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="A .html or .md.")] = Path(
        "report.html"
    ),
    mapping: MappingName = "events",
    json: Json = False,
) -> None:
    """Write what the file knows of its scores as one page: verdict, figures, segments, problems, provenance.

    Example: sqlscore report shop.duckdb -o report.html
    """
    from sqlscore import report as verb

    with open_database(db, read_only=True) as con:
        path = verb(con, output, mapping=mapping)
    render.done({"path": str(path)}, f"wrote {path}", json)
