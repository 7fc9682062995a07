"""What a server says when a guard warns of the events or refuses them. No process, no clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from command_line import run as command
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.serving import jobs
from sqlscore.serving.backoff import Backoff
from sqlscore.serving.logs import log_event
from sqlscore.serving.notices import Event, Retrying, RunEnded
from sqlscore.serving.server import first_state
from sqlscore.serving.steps import Job
from sqlscore.serving.stopping import Stop

JOB = Job(backoff=Backoff(retries=2, first=0.0, most=0.0))
FUTURE = "INSERT INTO e VALUES (7, TIMESTAMP '2094-01-01', 'view')"
GONE = "DELETE FROM e"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that a server has scored once."""
    path = tmp_path / "guarded.duckdb"
    with sqlscore.connect(path, threads=1) as con:
        con.execute(
            """CREATE TABLE e AS SELECT i % 50 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i * 57) AS event_time,
                   'view' AS event_type FROM range(1500) t(i)"""
        )
        sqlscore.map_events(con, "e")
        register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
        assert jobs.run(con, JOB, Stop(), lambda event: None).outcome == "ok"
    return path


@pytest.fixture
def con(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(path, threads=1) as con:
        yield con


def served(con: duckdb.DuckDBPyConnection) -> tuple[RunEnded, list[Event]]:
    heard: list[Event] = []

    def tell(event: Event) -> None:
        heard.append(event)
        log_event(event)

    return jobs.run(con, JOB, Stop(), tell), heard


@pytest.mark.filterwarnings("error::sqlscore.errors.GuardWarning")
def test_a_warning_is_logged_once_and_known_after_a_restart(
    con: duckdb.DuckDBPyConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """The run is ok: the scores are fresh. A Python warning beside the log would say it twice."""
    con.execute(FUTURE)
    with caplog.at_level(logging.INFO, "sqlscore.serve"):
        report, _ = served(con)
    assert report.outcome == "ok"
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 1
    assert said[0].startswith("refresh events: 1 of 1501 rows lie in the future")
    assert report.steps[0].result["guards"]["future_share"] == "warn"
    assert report.steps[0].result["guards"]["silent_days"] == "ok"
    state = first_state(con, JOB)
    assert state.guards["events"] == report.steps[0].result["guards"]
    assert state.warnings["events"] == list(report.steps[0].result["warnings"])


def test_a_refusal_fails_the_run_and_is_not_tried_again(con: duckdb.DuckDBPyConnection) -> None:
    """The same events are refused again a second later; the old scores stay."""
    con.execute(GONE)
    report, heard = served(con)
    assert (report.outcome, report.steps[0].outcome) == ("failed", "failed")
    assert not [event for event in heard if isinstance(event, Retrying)]
    assert report.steps[0].result["guards"]["emptied_share"] == "refuse"
    assert "--accept" in (report.error or "")
    assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(50,)]


@pytest.mark.parametrize("change", [FUTURE, GONE])
def test_a_check_of_the_status_fails_while_a_guard_warns_or_refuses(path: Path, change: str) -> None:
    """Before the next refresh and after it, for a monitor that knows exit codes only."""
    assert command("status", path, "--check").exit_code == 0
    with sqlscore.connect(path, threads=1) as con:
        con.execute(change)
    assert command("status", path, "--check").exit_code == 3
    with sqlscore.connect(path, threads=1) as con:
        served(con)
    assert command("status", path, "--check").exit_code == 3
