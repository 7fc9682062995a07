"""The command `serve`: keep the scores of a file fresh, on a schedule or once."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.errors import INTERRUPTED, MENDABLE
from sqlscore.cli.options import Database, Device, Json
from sqlscore.errors import ServingError
from sqlscore.extras import require
from sqlscore.serving.wire import Wire

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
    score: Annotated[
        bool, typer.Option("--score", help="Answer POST /score, with a token; alone or beside a schedule.")
    ] = False,
    mysql: Annotated[
        int | None,
        typer.Option(
            "--mysql", min=0, max=65535, metavar="PORT", help="Answer MySQL's clients; 0: a port that is free."
        ),
    ] = None,
    statement_timeout: Annotated[
        float, typer.Option("--statement-timeout", min=0.1, metavar="SECONDS", help="The longest statement of --mysql.")
    ] = 60.0,
    open_: Annotated[bool, typer.Option("--open", help="Let other machines ask, at --host.")] = False,
    host: Annotated[str, typer.Option("--host", help="Where the server listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port; 0 takes one that is free.")] = PORT,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Own the file and keep its scores fresh on a schedule, answer applications that want scores, or both.

    Example: sqlscore serve shop.duckdb --every 1h --publish postgresql://bi@db.example.com/marts
    """
    _refuse_contradictions(
        Asked(once, bool(every or at), score, mysql is not None, json, open_), keep_history and dbt is not None
    )
    if not (once or every or at):
        of_runs = {
            "--publish": publish, "--tables": tables, "--report": report, "--dbt": dbt, "--mapping": mapping,
            "--keep-history": keep_history, "--retrain-after": retrain_after, "--retrain-drift": retrain_drift,
        }  # fmt: skip
        _refuse_unscheduled([name for name, value in of_runs.items() if value], "--score" if score else "--mysql")
    _log_to_stderr()
    if not once:
        _require_libraries()
    if mysql is not None:
        _only_mysql(db, device, Wire(host, mysql, open_, statement_timeout), port, stop_within)
        return
    if not (once or every or at):
        _only_scores(db, device, host, port, stop_within, is_open=open_)
        return
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
    if not once:
        from sqlscore.serving.scores import Door

        table = timetable(every, at, timezone)
        door = Door(host, port, score, open_)
        serve(settings, table, door, lambda url, first, where: _say_ready(db, str(table), url, first, where))
        return
    ended = serve_once(settings)
    if json:
        render.as_json(ended.to_dict())
    if ended.outcome == "stopped":
        raise typer.Exit(INTERRUPTED)
    if ended.outcome == "failed":
        raise typer.Exit(MENDABLE)


@dataclass(frozen=True)
class Asked:
    """What a server is to do, and how."""

    once: bool
    scheduled: bool
    score: bool
    mysql: bool
    json: bool
    is_open: bool


def _refuse_contradictions(asked: Asked, built_and_kept: bool) -> None:
    if asked.mysql and (asked.once or asked.scheduled):
        raise typer.BadParameter("--mysql opens the file for reading, and a run writes: run them one after the other")
    if asked.mysql and asked.score:
        raise typer.BadParameter("--mysql and --score are two servers that read one file: start each on its own")
    if asked.once and asked.scheduled:
        raise typer.BadParameter("--once runs now, without a schedule: leave --every and --at out")
    if not (asked.once or asked.scheduled or asked.score or asked.mysql):
        raise typer.BadParameter(
            "say how often: --every 1h, --at 02:00, or --once; or what to answer: --score or --mysql PORT"
        )
    if asked.once and asked.score:
        raise typer.BadParameter("--once ends after one run, and --score answers until it is stopped: choose one")
    if asked.json and not asked.once:
        raise typer.BadParameter("--json prints the report of one run: it goes with --once")
    if built_and_kept:
        raise typer.BadParameter(
            "--keep-history keeps the scores of a refresh, and --dbt builds in its place: choose one"
        )
    if asked.is_open and not (asked.score or asked.mysql):
        raise typer.BadParameter("--open lets other machines ask: it goes with --score or --mysql")


def _refuse_unscheduled(given: list[str], what: str) -> None:
    if given:
        raise typer.BadParameter(f"{given[0]} is part of a run, and {what} alone runs nothing: add --every 1h")


def _require_libraries() -> None:
    for library in ("apscheduler", "prometheus_client", "starlette", "uvicorn"):
        require(library, f"a server, unlike --once, needs {library}", extra="serve", error=ServingError)


def _only_scores(db: str, device: str, host: str, port: int, stop_within: float, *, is_open: bool) -> None:
    from sqlscore.serving.scores import Door
    from sqlscore.serving.unscheduled import serve_scores

    def say_ready(url: str, where: str | None) -> None:
        typer.echo(f"serving {db} for reading: {url}/health {url}/metrics")
        _say_where(url, where)

    serve_scores(db, device, Door(host, port, scores=True, is_open=is_open), stop_within, say_ready)


def _only_mysql(db: str, device: str, wire: Wire, port: int, stop_within: float) -> None:
    require("mysql_mimic", "MySQL's protocol needs mysql-mimic", extra="mysql", error=ServingError)
    from sqlscore.serving.mysql import serve_mysql

    def say_ready(url: str, address: tuple[str, int], where: str) -> None:
        typer.echo(f"serving {db} for reading: {url}/health {url}/metrics")
        typer.echo(f"MySQL: host {address[0]}, port {address[1]}, any user, with {where}")
        sys.stdout.flush()

    serve_mysql(db, device, wire, port, stop_within, say_ready)


def _say_ready(db: str, table: str, url: str, first: datetime, where: str | None) -> None:
    typer.echo(f"serving {db} {table}, first run {first.astimezone():%Y-%m-%d %H:%M:%S %Z}: {url}/health {url}/metrics")
    _say_where(url, where)


def _say_where(url: str, where: str | None) -> None:
    if where is not None:
        typer.echo(f"scores: POST {url}/score, described at {url}/docs, with {where}")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("sqlscore.serve")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
