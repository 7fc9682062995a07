"""The command `plot`: draw a model."""

from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar


def plot(
    db: Database,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="learning-curves, confusion, reliability, precision-recall, attention or action-attention.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which (default: the champion).")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Whose attention (default: a batch).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A .png, .svg or .pdf (default: KIND.png).")
    ] = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Draw how a model learned, how good it is, or where it looks.

    Example: sqlscore plot shop.duckdb confusion --output confusion.svg
    """
    from sqlscore import plot as verb

    with open_database(db, read_only=True, device=device) as con, Bar() as bar:
        path = verb(con, kind, output or f"{kind}.png", model=model, mapping=mapping, user_id=user, progress=bar)
    render.done({"path": str(path)}, f"wrote {path}", json)
