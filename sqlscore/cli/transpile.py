"""The command `transpile`: a view or a query as SQL of another engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, open_database
from sqlscore.files import in_place_of, refuse_databases


def transpile(
    db: Database,
    query: Annotated[
        str,
        typer.Argument(metavar="VIEW|FILE|SQL", help="A view, a macro with its arguments, a .sql file or a SELECT."),
    ],
    dialect: Annotated[
        str, typer.Option("--dialect", help="The engine: spark, postgres, bigquery or snowflake.")
    ] = "spark",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the SQL to this file.")] = None,
    json: Json = False,
) -> None:
    """Write a view or a query as SQL of another engine, exactly or not at all.

    Example: sqlscore transpile shop.duckdb sqlscore.sessions --dialect spark -o sessions.sql
    """
    from sqlscore import transpile as verb

    if query.casefold().endswith(".sql"):
        query = Path(query).read_text(encoding="utf-8")
    with open_database(db, read_only=True) as con:
        text = verb(con, query, dialect=dialect)
        if output is not None:
            refuse_databases(con, output)
            with in_place_of(output) as path:
                path.write_text(text + "\n", encoding="utf-8")
    if output is not None:
        render.done({"dialect": dialect, "file": str(output)}, f"{output}: a SELECT for {dialect}", json)
    elif json:
        render.as_json({"dialect": dialect, "sql": text})
    else:
        typer.echo(text)
