"""The command `serve`: keep the scores of a file fresh, on a schedule or once."""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.errors import INTERRUPTED, MENDABLE
from sqlscore.cli.options import Database, Device, Json

PORT = 8321


def serve(
    db: Database,
    every: Annotated[str | None, typer.Option("--every", metavar="SPAN", help="How often, e.g. 15min, 1h, 1d.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="HH:MM", help="The time of day from which runs are counted.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="TZ", help="The time zone of --at (default: this machine's).")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Run once, with retries, and exit: 0 done, 1 failed. For cron and the like.")
    ] = False,
    publish: Annotated[
        list[str] | None,
        typer.Option("--publish", metavar="URL|FILE|DIR", help="Where to publish after each refresh; repeat it."),
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Option("--tables", metavar="T[,T]...", help="What to publish; default: what dashboards need."),
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="FILE", help="A .html or .md to write after each refresh; repeat it."),
    ] = None,
    dbt: Annotated[
        Path | None, typer.Option("--dbt", metavar="DIR", help="Build this dbt project in place of the refresh.")
    ] = None,
    keep_history: Annotated[
        bool,
        typer.Option("--keep-history", help="Keep each refresh's scores, for later events to judge (past_scores)."),
    ] = False,
    mapping: Annotated[
        list[str] | None, typer.Option("--mapping", help="Which mapped events; repeat it (default: all with a model).")
    ] = None,
    retrain_after: Annotated[
        float | None, typer.Option("--retrain-after", metavar="DAYS", help="Train again at that age; 0: never.")
    ] = None,
    retrain_drift: Annotated[
        float | None, typer.Option("--retrain-drift", metavar="PSI", help="Train again at that drift; 0: never.")
    ] = None,
    retries: Annotated[int, typer.Option("--retries", min=0, help="How often a failed step is tried again.")] = 3,
    stop_within: Annotated[
        float,
        typer.Option(
            "--stop-within", min=0, metavar="SECONDS", help="The longest time from SIGTERM or Ctrl-C to the end."
        ),
    ] = 8.0,
    host: Annotated[str, typer.Option("--host", help="Where /health and /metrics listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Their port; 0 takes one that is free.")] = PORT,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Own the file and keep its scores fresh: refresh, publish, train again by policy, on a schedule.

    Example: sqlscore serve shop.duckdb --every 1h --publish postgresql://bi@db.example.com/marts
    """
    if once and (every or at):
        raise typer.BadParameter("--once runs now, without a schedule: leave --every and --at out")
    if not (once or every or at):
        raise typer.BadParameter("say how often: --every 1h, --at 02:00, or --once")
    if json and not once:
        raise typer.BadParameter("--json prints the report of one run: it goes with --once")
    if keep_history and dbt is not None:
        raise typer.BadParameter(
            "--keep-history keeps the scores of a refresh, and --dbt builds in its place: choose one"
        )
    from sqlscore.serving.backoff import Backoff
    from sqlscore.serving.server import Settings, serve, serve_once
    from sqlscore.serving.steps import Job
    from sqlscore.serving.timetable import timetable

    chosen = tuple(name.strip() for names in tables or () for name in names.split(",") if name.strip()) or None
    pages = tuple(report or ())
    job = Job(tuple(mapping or ()), tuple(publish or ()), chosen, dbt, Backoff(retries), keep_history, pages)
    asked = {"retrain_after_days": retrain_after, "retrain_drift_psi": retrain_drift}
    policy = {name: value or None for name, value in asked.items() if value is not None}
    settings = Settings(db, job, policy, device, stop_within)
    _log_to_stderr()
    if not once:
        table = timetable(every, at, timezone)
        serve(settings, table, host, port, lambda url, first: _say_ready(db, str(table), url, first))
        return
    ended = serve_once(settings)
    if json:
        render.as_json(ended.to_dict())
    if ended.outcome == "stopped":
        raise typer.Exit(INTERRUPTED)
    if ended.outcome == "failed":
        raise typer.Exit(MENDABLE)


def _say_ready(db: str, table: str, url: str, first: datetime) -> None:
    typer.echo(f"serving {db} {table}, first run {first.astimezone():%Y-%m-%d %H:%M:%S %Z}: {url}/health {url}/metrics")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("sqlscore.serve")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
