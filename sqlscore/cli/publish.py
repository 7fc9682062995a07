"""The command `publish`: copy tables to where BI tools read them."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database
from sqlscore.cli.progress import working


def publish(
    db: Database,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL|FILE|DIR",
            help="postgresql://..., https://..., *.duckdb, *.csv, or a folder.",
        ),
    ],
    tables: Annotated[
        list[str] | None,
        typer.Option("--tables", metavar="T[,T]...", help="Tables or views; default: what dashboards need."),
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Into which schema; default: as in DB.")
    ] = None,
    mapping: MappingName = "events",
    partition_by: Annotated[
        list[str] | None,
        typer.Option("--partition-by", metavar="C", help="Cut Parquet files by a column; repeat it."),
    ] = None,
    dead_letters: Annotated[
        str, typer.Option("--dead-letters", metavar="FILE", help="Keeps batches that a webhook did not accept.")
    ] = "sqlscore-dead-letters.jsonl",
    json: Json = False,
) -> None:
    """Copy tables to PostgreSQL, a DuckDB file, Parquet or CSV, or hand them over to a webhook.

    Example: PGPASSWORD=... sqlscore publish shop.duckdb --to postgresql://bi@db.example.com/marts
    """
    from sqlscore import publish as verb

    chosen = [name.strip() for names in tables for name in names.split(",") if name.strip()] if tables else None
    with open_database(db) as con, working("publishing"):
        report = verb(
            con,
            to,
            tables=chosen,
            schema=schema,
            mapping=mapping,
            partition_by=partition_by or (),
            dead_letters=dead_letters,
        )
    if json:
        render.as_json(report)
        return
    columns = ("table", "rows", "changed")
    render.rows_as_table(columns, [(name, table.rows, table.changed) for name, table in report.tables.items()])
    checked = "all batches were accepted" if report.route == "webhook" else "rows and checksums agree"
    render.say(f"published to {report.to} in {report.seconds:.1f} s; {checked}")
