"""The process that owns a database file: runs on a schedule, or once, until it is done or asked to stop."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.registry import registered_models
from sqlscore.database.transactions import now
from sqlscore.errors import ServingError
from sqlscore.mapping.guards import outcomes, read_guards
from sqlscore.mapping.watch import BUILT, REFRESHED, read_profiles
from sqlscore.serving import jobs
from sqlscore.serving.lock import explain_lock, sole_server
from sqlscore.serving.logs import LOG, log_event
from sqlscore.serving.notices import Event, RunEnded
from sqlscore.serving.observing import Board, State
from sqlscore.serving.signals import asked_to_stop
from sqlscore.serving.steps import Job, chosen_mappings, publishing_steps
from sqlscore.serving.timetable import Timetable, first_run
from sqlscore.serving.worker import Worker
from sqlscore.verbs.connect import connect
from sqlscore.verbs.policy import set_policy

if TYPE_CHECKING:
    from sqlscore.serving.scores import Door


@dataclass(frozen=True)
class Settings:
    """What a server serves. `policy` is changed first; `stop_within` is the seconds from a signal to the end."""

    database: str
    job: Job
    policy: dict[str, float | None] = field(default_factory=dict)
    device: str = "auto"
    stop_within: float = 8.0


def serve(settings: Settings, table: Timetable, door: Door, ready: Callable[[str, datetime, str | None], None]) -> None:
    """Run on schedule until SIGTERM or SIGINT.

    Args:
        settings: the file and its job.
        table: when runs are due.
        door: where /health and /metrics listen, and whether /score does.
        ready: called with the URL, the moment of the first run, and where the token for scores is, when it begins.

    Raises ServingError if another process serves or holds the file, if the address is taken, or if the job cannot run
    at all; MappingError or ModelError if nothing is mapped or there is no model. What fails later is noted in
    `sqlscore.runs` and tried again.
    """
    from sqlscore.serving.metrics import Metrics
    from sqlscore.serving.scores import score_routes
    from sqlscore.serving.slots import scheduled
    from sqlscore.serving.web import application, listening

    door.check()

    heard: list[Callable[[Event], None]] = [log_event]
    with asked_to_stop() as asked, _working(settings, heard) as (worker, announce):
        begin = first_run(table, _aware(jobs.last_success(worker.con)), datetime.now(UTC))
        board = Board(table.every, first_state(worker.con, settings.job), lambda: planned.next_run_time)
        mappings = chosen_mappings(worker.con, settings.job)
        metrics = Metrics(board, [step.target for step in publishing_steps(worker.con, settings.job, mappings)])
        heard += [board.hear, metrics.hear]
        scheduler, planned = scheduled(worker.run, table, begin, metrics.skipped)
        with (
            score_routes(door, settings.database, lambda: worker.con, metrics.registry) as (routes, where),
            listening(door.host, door.port, application(board.health, metrics.registry, routes)) as url,
        ):
            announce(url)
            scheduler.start()
            ready(url, begin, where)
            asked.wait()
            LOG.info("asked to stop: what is running gets %.0f s to end", settings.stop_within)
            scheduler.shutdown(wait=False)
            worker.wind_down(settings.stop_within)
    LOG.info("stopped")


def serve_once(settings: Settings) -> RunEnded:
    """Run once, with retries, under the same lock; signals end it in the same way. Raises as `serve` does."""
    ended: list[RunEnded] = []
    with asked_to_stop() as asked, _working(settings, [log_event, partial(_keep_end, ended)]) as (worker, _):

        def run() -> None:
            worker.run()
            asked.set()

        threading.Thread(target=run, name="sqlscore-run", daemon=True).start()
        asked.wait()
        worker.wind_down(settings.stop_within)
    return ended[-1]


@contextmanager
def _working(
    settings: Settings, heard: list[Callable[[Event], None]]
) -> Iterator[tuple[Worker, Callable[[str | None], None]]]:
    """A worker on the file that only this process serves, and the function that notes its URL beside the lock."""

    def tell(event: Event) -> None:
        for hear in heard:
            hear(event)

    database, job = settings.database, settings.job
    if not Path(database).is_file():
        named = shlex.quote(database)
        raise ServingError(f"there is no database file {database}: `sqlscore init {named} --events ...` makes one")
    if job.dbt is not None and not (job.dbt / "dbt_project.yml").is_file():
        raise ServingError(f"{job.dbt} has no dbt_project.yml: name the folder of a dbt project")
    with sole_server(database) as announce, closing(Worker(job, partial(_opened, settings), tell)) as worker:
        jobs.recover(worker.con)
        if settings.policy:
            set_policy(worker.con, mapping=None, **settings.policy)
        chosen_mappings(worker.con, job)
        yield worker, announce


def _opened(settings: Settings) -> duckdb.DuckDBPyConnection:
    try:
        return connect(settings.database, device=settings.device)
    except duckdb.IOException as error:
        text = explain_lock(error, settings.database)
        if text is None:
            raise
        raise ServingError(text) from error


def first_state(con: duckdb.DuckDBPyConnection, job: Job) -> State:
    """What `sqlscore.runs` and the registry say before the first run."""
    succeeded = jobs.last_success(con)
    refreshed: dict[str, datetime | None] = {}
    for mapping in chosen_mappings(con, job):
        row = one(
            con,
            "SELECT max(finished_at) FROM sqlscore.runs WHERE verb = 'refresh' AND status = 'ok' AND mapping = ?",
            [mapping],
        )
        refreshed[mapping] = succeeded if job.dbt is not None else row[0] if row else None
    champions = {model.mapping: model.label for model in registered_models(con) if model.is_champion}
    kept = {mapping: label for mapping, label in champions.items() if mapping in refreshed}
    watching = read_guards(con)
    verb = REFRESHED if job.dbt is None else BUILT
    found = {mapping: read_profiles(con, mapping, verb).findings for mapping in refreshed}
    return State(
        now(),
        refreshed,
        last_success=succeeded,
        champions=kept,
        guards={mapping: outcomes(watching, findings) for mapping, findings in found.items()},
        warnings={mapping: [f.what for f in findings if f.outcome != "note"] for mapping, findings in found.items()},
    )


def _keep_end(ended: list[RunEnded], event: Event) -> None:
    if isinstance(event, RunEnded):
        ended.append(event)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
