"""One run of all steps, and the record of it in `sqlscore.runs`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import now, on_own_connection
from sqlscore.errors import GuardError
from sqlscore.serving.backoff import persist
from sqlscore.serving.notices import Outcome, Retrying, RunBegan, RunEnded, StepEnded, Tell, described
from sqlscore.serving.steps import (
    Job,
    Step,
    chosen_mappings,
    policy_step,
    publishing_steps,
    reporting_steps,
    scoring_steps,
    training_step,
)
from sqlscore.serving.stopping import Stop, Stopped

SERVE_VERB = "serve"
"""The verb of these runs in `sqlscore.runs`."""

KILLED = "the process ended in the middle (killed, or the machine went down); what it wrote was rolled back"
CUT_OFF = "the server was asked to stop, and a step did not end in time; what it wrote was rolled back"


def run(con: duckdb.DuckDBPyConnection, job: Job, stop: Stop, tell: Tell) -> RunEnded:
    """Refresh (or run dbt), publish and report; then train if the policy says so, and do both again for a new champion.

    Fresh scores come first: nobody waits for a training that takes long or fails. If a step fails for good, the others
    still run, except that nothing is published if nothing could be scored. An error in a step is not raised; it is in
    the events that `tell` receives.
    """
    began = now()
    tell(RunBegan(began))
    _record(con, began)
    steps: list[StepEnded] = []
    try:
        mappings = chosen_mappings(con, job)
        steps += _score_and_publish(con, job, mappings, stop, tell)
        for mapping in mappings:
            steps += _train_again(con, job, mapping, stop, tell)
    except Stopped:
        pass
    except Exception as error:  # noqa: BLE001 - no error of one run may end the server
        steps.append(StepEnded("refresh", "all", "failed", 0, 0.0, described(error)))
        tell(steps[-1])
    ended = RunEnded(_outcome(steps, stop), began, now(), tuple(steps))
    _record_end(con, ended)
    tell(ended)
    return ended


@on_own_connection
def recover(con: duckdb.DuckDBPyConnection) -> None:
    """Mark as failed the runs that a killed process left as running. Only the holder of the lock may call it."""
    _end_running(con, "failed", KILLED)


@on_own_connection
def cut_off(con: duckdb.DuckDBPyConnection) -> None:
    """Mark the current run as stopped, since its process is about to end."""
    _end_running(con, "stopped", CUT_OFF)


@on_own_connection
def last_success(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """When the last scheduled run without a failure ended, UTC without zone; None if there is none."""
    row = one(con, "SELECT max(finished_at) FROM sqlscore.runs WHERE verb = ? AND status = 'ok'", [SERVE_VERB])
    return row[0] if row else None


def _score_and_publish(
    con: duckdb.DuckDBPyConnection, job: Job, mappings: list[str], stop: Stop, tell: Tell
) -> list[StepEnded]:
    scored = _all(scoring_steps(con, job, mappings, stop), job, stop, tell)
    if any(step.outcome == "ok" for step in scored):
        scored += _all(publishing_steps(con, job, mappings), job, stop, tell)
    return scored + _all(reporting_steps(con, job, mappings), job, stop, tell)  # which also says what went wrong


def _train_again(con: duckdb.DuckDBPyConnection, job: Job, mapping: str, stop: Stop, tell: Tell) -> list[StepEnded]:
    looked = _one(policy_step(con, mapping), job, stop, tell)
    reason = looked.result.get("reason")
    if reason is None:
        return [looked]
    trained = _one(training_step(con, mapping, reason, stop), job, stop, tell)
    if not trained.result.get("promoted"):
        return [looked, trained]
    return [looked, trained, *_score_and_publish(con, job, [mapping], stop, tell)]


def _all(steps: Iterable[Step], job: Job, stop: Stop, tell: Tell) -> list[StepEnded]:
    return [_one(step, job, stop, tell) for step in steps]


def _one(step: Step, job: Job, stop: Stop, tell: Tell) -> StepEnded:
    """Run a step with its retries. After a stop, each further step ends at once with the outcome "stopped"."""
    began, retries = time.monotonic(), 0

    def retrying(error: Exception, seconds: float) -> None:
        nonlocal retries
        retries += 1
        tell(Retrying(step.kind, step.target, described(error, *step.secrets), seconds))

    outcome: Outcome = "ok"
    error: str | None = None
    result: dict[str, Any] = {}
    try:
        stop.check()
        result = persist(step.work, job.backoff, stop.pause, retrying)
    except Stopped as reason:
        outcome, error = "stopped", str(reason)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the other steps and the next runs go on
        outcome, error = "failed", described(failure, *step.secrets)
        if isinstance(failure, GuardError):
            result = {"guards": failure.guards, "mapping": failure.mapping}
    ended = StepEnded(step.kind, step.target, outcome, retries, time.monotonic() - began, error, result)
    tell(ended)
    return ended


def _outcome(steps: list[StepEnded], stop: Stop) -> Outcome:
    outcomes = {step.outcome for step in steps}
    if "stopped" in outcomes or (stop.asked and not steps):
        return "stopped"
    return "failed" if "failed" in outcomes else "ok"


def _end_running(con: duckdb.DuckDBPyConnection, status: Outcome, message: str) -> None:
    con.execute(
        """UPDATE sqlscore.runs SET status = ?, finished_at = ?, message = ?
           WHERE verb = ? AND status = 'running'""",
        [status, now(), message, SERVE_VERB],
    )


@on_own_connection
def _record(con: duckdb.DuckDBPyConnection, began: datetime) -> None:
    con.execute(
        "INSERT INTO sqlscore.runs (verb, mapping, started_at, status) VALUES (?, '*', ?, 'running')",
        [SERVE_VERB, began],
    )


@on_own_connection
def _record_end(con: duckdb.DuckDBPyConnection, ended: RunEnded) -> None:
    con.execute(
        """UPDATE sqlscore.runs SET finished_at = ?, status = ?, message = ?, details = ?
           WHERE verb = ? AND started_at = ?""",
        [
            ended.finished_at,
            ended.outcome,
            ended.error,
            json.dumps({"steps": [asdict(step) for step in ended.steps]}, default=str),
            SERVE_VERB,
            ended.started_at,
        ],
    )
