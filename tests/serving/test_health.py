"""What a server tells the outside: the lock, /health and /metrics. No process, no network."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sqlscore.database.transactions import now
from sqlscore.errors import ServingError
from sqlscore.serving.lock import explain_lock, holder_of, lock_path, note_path, sole_server
from sqlscore.serving.metrics import Metrics
from sqlscore.serving.notices import Event, Outcome, Retrying, RunBegan, RunEnded, StepEnded
from sqlscore.serving.observing import Board, State
from sqlscore.serving.web import application

HOUR = timedelta(hours=1)
TARGET = "postgresql://db/marts"
REFRESHED = StepEnded(
    "refresh",
    "events",
    "ok",
    0,
    0.5,
    None,
    {"model": "events@3", "as_of": datetime(2024, 5, 1), "tables": {"scored_users": 7}},
)
PUBLISHED = StepEnded("publish", TARGET, "ok", 0, 0.1)
LOST = StepEnded("publish", TARGET, "failed", 1, 0.1, "OperationalError: it is gone")


def ended(*steps: StepEnded) -> RunEnded:
    outcome: Outcome = "failed" if any(step.outcome == "failed" for step in steps) else "ok"
    return RunEnded(outcome, now() - timedelta(seconds=3), now(), steps)


def told(board: Board | Metrics, *events: Event) -> None:
    for event in events:
        board.hear(event)


@pytest.fixture
def board() -> Board:
    return Board(HOUR, State(now(), {"events": None}), lambda: datetime(2024, 5, 2, tzinfo=UTC))


def test_health_goes_from_starting_to_ok_to_failing_and_back(board: Board):
    """503 until there are scores, and whenever the newest run failed."""
    assert (board.health()[0], board.health()[1]["status"]) == (False, "starting")
    told(board, RunBegan(now()))
    assert board.health()[1]["running"]
    told(board, REFRESHED, PUBLISHED, ended(REFRESHED, PUBLISHED))
    ok, facts = board.health()
    assert (ok, facts["status"], facts["champions"]) == (True, "ok", {"events": "events@3"})
    for failures in (1, 2):
        told(board, REFRESHED, ended(REFRESHED, LOST))
        ok, facts = board.health()
        assert (ok, facts["status"], facts["failures_in_a_row"]) == (False, "failing", failures)
    assert facts["last_run"]["error"] == f"publish {TARGET}: OperationalError: it is gone"
    told(board, REFRESHED, ended(REFRESHED))
    assert board.health()[1]["failures_in_a_row"] == 0


@pytest.mark.parametrize(("hours", "status"), [(1.9, "ok"), (2.1, "stale")])
def test_scores_of_more_than_two_intervals_ago_are_stale(hours: float, status: str):
    """A server that hangs fails nothing, and its scores grow old."""
    at = now() - timedelta(hours=hours)
    board = Board(HOUR, State(at, {"events": at, "orders": now()}, last_success=at), lambda: None)
    assert board.health()[1]["status"] == status


def test_publish_lag_is_how_long_newer_scores_wait(board: Board):
    """Nothing waits before there are scores, and nothing after they are published."""
    assert board.publish_lag(TARGET, now()) == 0
    told(board, REFRESHED)
    assert board.publish_lag(TARGET, now() + HOUR) == pytest.approx(3600, abs=5)
    told(board, PUBLISHED)
    assert board.publish_lag(TARGET, now() + HOUR) == 0


def test_metrics_are_what_prometheus_reads(board: Board):
    """Counted, timed and read at the moment they are asked for."""
    metrics = Metrics(board, [TARGET])
    for hear in (board, metrics):
        told(hear, Retrying("publish", TARGET, "gone", 1.0), REFRESHED, LOST, ended(REFRESHED, LOST))
    text = generate_latest(metrics.registry).decode()
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["sqlscore_runs_total", "failed"] == 1
    assert samples["sqlscore_runs_total", "ok"] == 0
    assert samples["sqlscore_retries_total", "publish"] == 1
    assert samples["sqlscore_rows_scored_total", "scored_users"] == 7
    assert samples["sqlscore_step_seconds_count", "failed", "publish"] == 1
    assert samples["sqlscore_champion_version", "events", "events"] == 3
    assert samples["sqlscore_publish_lag_seconds", TARGET] >= 0
    assert samples["sqlscore_staleness_seconds", "events"] < 60
    assert samples["sqlscore_healthy",] == 0
    assert samples["process_resident_memory_bytes",] > 1e6


def test_health_and_metrics_say_what_each_guard_said(board: Board):
    """A warning is no failure, since the scores are fresh; what a guard refuses is, and the next refresh ends both."""
    metrics = Metrics(board, [])
    said = {"future_share": "ok", "silent_days": "warn", "leap_days": "ok"}
    warned = replace(REFRESHED, result={**REFRESHED.result, "guards": said, "warnings": ("it is silent",)})
    told(board, warned, ended(warned))
    ok, facts = board.health()
    assert (ok, facts["guards"], facts["warnings"]) == (
        True,
        {"events": {"silent_days": "warn"}},
        {"events": ["it is silent"]},
    )
    assert guards_of(metrics) == {"future_share": 0, "silent_days": 2, "leap_days": 0}
    refusal = {"guards": {**said, "silent_days": "ok", "leap_days": "refuse"}}
    refused = StepEnded("refresh", "events", "failed", 0, 0.1, "GuardError: a leap", refusal)
    told(board, refused, ended(refused))
    ok, facts = board.health()
    assert (ok, facts["guards"], facts["warnings"]) == (False, {"events": {"leap_days": "refuse"}}, {"events": []})
    assert facts["as_of"] == {"events": datetime(2024, 5, 1)}
    assert guards_of(metrics) == {"future_share": 0, "silent_days": 0, "leap_days": 3}


def guards_of(metrics: Metrics) -> dict[str, float]:
    return {
        sample.labels["guard"]: sample.value
        for family in text_string_to_metric_families(generate_latest(metrics.registry).decode())
        for sample in family.samples
        if sample.name == "sqlscore_guard_outcome"
    }


def asked(board: Board, path: str, method: str = "GET") -> tuple[str, bytes]:
    """What the application answers."""
    app = application(board.health, Metrics(board, []).registry)
    parts: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(part: Any) -> None:
        parts.append(part)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "app": app}

    async def answered() -> None:
        await app(scope, receive, send)

    asyncio.run(answered())
    return str(parts[0]["status"]), b"".join(part["body"] for part in parts[1:])


def test_health_is_json_with_a_status_code_for_machines(board: Board):
    """A load balancer reads the code, a person the rest."""
    status, body = asked(board, "/health")
    assert status.startswith("503")
    assert json.loads(body)["next_run"] == "2024-05-02T00:00:00Z"
    told(board, REFRESHED, ended(REFRESHED))
    status, body = asked(board, "/health")
    assert status.startswith("200")
    assert json.loads(body)["as_of"] == {"events": "2024-05-01T00:00:00Z"}
    assert asked(board, "/metrics")[0].startswith("200")
    assert asked(board, "/")[0].startswith("404")
    assert asked(board, "/health", "POST")[0].startswith("405")


def test_a_file_has_one_server_under_whatever_name(tmp_path: Path):
    """Two would refresh against each other; a link is the same file."""
    database, link = tmp_path / "shop.duckdb", tmp_path / "link.duckdb"
    database.touch()
    link.symlink_to(database)
    with sole_server(database) as announce:
        announce("http://127.0.0.1:5")
        with pytest.raises(ServingError, match=rf"pid {os.getpid()} .*http://127.0.0.1:5/health") as refused:
            sole_server(link).__enter__()
        assert f"kill {os.getpid()}" in str(refused.value)
    assert [path.name for path in tmp_path.glob("shop*")] == ["shop.duckdb"]
    with sole_server(link):
        assert lock_path(database).exists()


def test_a_lock_that_a_dead_server_left_is_taken_over(tmp_path: Path):
    """Its files are still there after SIGKILL, the lock is not."""
    database = tmp_path / "shop.duckdb"
    lock_path(database).touch()
    note_path(database).write_text('{"pid": 1, "host": "gone", "since": "2024-01-01 00:00:00", "url": null}')
    with sole_server(database):
        holder = holder_of(database)
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_contender_leaves_the_holders_note(tmp_path: Path):
    """Whoever is refused must be able to say by whom."""
    database = tmp_path / "shop.duckdb"
    with sole_server(database) as announce:
        announce("http://127.0.0.1:5")
        for _ in range(2):
            with pytest.raises(ServingError, match="http://127.0.0.1:5/health"), sole_server(database):
                pass
        holder = holder_of(database)
        assert holder is not None
        assert holder.url == "http://127.0.0.1:5"


def test_the_lock_can_be_imported_without_fcntl():
    """Windows has none, and every command that meets a held file explains it by this module."""
    code = "import sys; sys.modules['fcntl'] = None; from sqlscore.serving.lock import explain_lock; print('there')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "there\n"), done.stderr


ENGINE = 'IO Error: Could not set lock on file "{}": Conflicting lock is held in /usr/bin/python3.11 (PID {}). See also'


def test_the_engines_lock_is_explained(tmp_path: Path):
    """By who holds it: a server, with what to do instead, or any other process."""
    database = tmp_path / "shop.duckdb"
    assert explain_lock(OSError("no such file"), database) is None
    other = explain_lock(OSError(ENGINE.format(database, 77)), database)
    assert other is not None
    assert "python3.11, pid 77" in other
    with sole_server(database):
        served = explain_lock(OSError(ENGINE.format(database, os.getpid())), database)
        assert served is not None
        assert "held by `sqlscore serve`" in served
        assert explain_lock(OSError(ENGINE.format(database, 77)), database) == other
