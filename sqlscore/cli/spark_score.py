"""The command `spark-score`: all users' scores on Apache Spark, for events past one machine."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Json, MappingName, given
from sqlscore.cli.progress import working


def spark_score(
    db: Annotated[str, typer.Argument(metavar="DB", help="The DuckDB file, or a model file (export).")],
    events: Annotated[list[str], typer.Option("--events", help="Files or folders of events; several times for more.")],
    out: Annotated[str, typer.Option("--out", help="The folder to write: scored_users and scored_sessions.")],
    master: Annotated[
        str | None, typer.Option("--master", help="Spark's master: local[4], spark://HOST:7077, yarn.")
    ] = None,
    conf: Annotated[list[str] | None, typer.Option("--conf", help="A setting of Spark, spark.KEY=VALUE.")] = None,
    form: Annotated[str, typer.Option("--format", help="The format of the events, as Spark names it.")] = "parquet",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The moment of the scores, UTC; by default the newest event.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="The --out of a run that kept states: --events are newer ones.")
    ] = None,
    keep_states: Annotated[
        bool, typer.Option("--keep-states", help="Write user_states too, for a later run with --after.")
    ] = False,
    partitions: Annotated[
        int | None, typer.Option("--partitions", min=1, help="Parts into which users are divided.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="NAME@V; the champion by default.")] = None,
    mapping: MappingName = "events",
    replace: Annotated[bool, typer.Option("--replace", help="Replace --out, if an earlier run wrote it.")] = False,
    json: Json = False,
) -> None:
    """Score all users and sessions on Apache Spark, and write them as Parquet.

    Example: sqlscore spark-score shop.duckdb --events s3a://shop/events --out s3a://shop/scores --master yarn
    """
    from sqlscore.spark import score
    from sqlscore.spark.start import session

    options = given(as_of=as_of, after=after, partitions=partitions, model=model)
    with session(master, conf or ()) as spark, working("scoring on Spark"):
        report = score(
            spark, db, events, out, mapping=mapping, keep_states=keep_states, replace=replace, format=form, **options
        )
    if json:
        render.as_json(report)
        return
    rows = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in report.tables.items())
    render.say(
        f"{out}: {rows} from {report.n_events:,} events, by {report.model} as of {report.as_of}, "
        f"in {report.seconds:.1f} s"
    )
