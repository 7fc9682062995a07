"""Real server processes: what they answer, how they end, and what a killed one leaves behind."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import duckdb
import pytest
from score_client import Client
from soak_parts import Child, wait_for
from tiny_model import tiny_artifact
from typer.testing import CliRunner, Result

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.registry import register
from sqlscore.serving import jobs
from sqlscore.serving.lock import lock_path

PATIENCE = 120.0  # seconds, for what takes a few on a machine that is not busy
USERS = 15_000


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many users with three events each, whom it takes a while to score."""
    path = tmp_path_factory.mktemp("prepared") / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(
            f"""CREATE TABLE events AS SELECT i // 3 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i % 3) AS event_time,
                (['view', 'cart', 'buy'])[1 + i % 3] AS event_type FROM range(3 * {USERS}) t(i)"""
        )
        sqlscore.map_events(con, "events")
        register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    return path


@pytest.fixture(scope="module")
def served(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy that `server` serves."""
    return Path(shutil.copy(prepared, tmp_path_factory.mktemp("served") / "shop.duckdb"))


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[Child]:
    """One that has run, and runs again in an hour."""
    child = Child(served, served.with_name("log"), "--every", "1h")
    try:
        wait_for("the first run", lambda: child.health()["last_success"], PATIENCE)
        yield child
    finally:
        child.end()


@pytest.mark.slow
def test_a_server_says_how_it_is(server: Child):
    """On a port that was free, in the words of the file."""
    health, metrics = server.health(), server.metrics()
    assert (health["status"], health["champions"]) == ("ok", {"events": "tiny@1"})
    assert metrics['sqlscore_rows_scored_total{table="scored_users"}'] == USERS
    assert metrics['sqlscore_runs_total{outcome="ok"}'] == 1


def test_a_second_server_and_other_commands_are_told_who_holds_the_file(server: Child, served: Path):
    """With the remedy, since the engine's own message has none."""
    for arguments in (("serve", served, "--once"), ("serve", served, "--every", "1h")):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert f"another scheduler serves {served} already (pid {server.process.pid}" in refused.stderr
    refused = run("status", served)
    assert refused.exit_code == 1
    assert f"held by `sqlscore serve` (pid {server.process.pid}" in refused.stderr


def test_sigterm_ends_an_idle_server_with_0(server: Child, served: Path):
    """And leaves nothing behind but the file. (The last test of this server.)"""
    code, _ = server.terminate(PATIENCE)
    assert code == 0
    said = served.with_name("log").read_text(encoding="utf-8").splitlines()
    assert ["asked to stop" in said[-2], said[-1].endswith("stopped")] == [True, True]
    assert not lock_path(served).exists()
    assert [path.name for path in served.parent.glob("shop.duckdb*")] == ["shop.duckdb"]
    with duckdb.connect(served, read_only=True) as con:
        assert con.execute("SELECT status FROM sqlscore.runs WHERE verb = 'serve'").fetchall() == [("ok",)]


@pytest.fixture(scope="module")
def scored(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that was refreshed, and never served."""
    path = Path(shutil.copy(prepared, tmp_path_factory.mktemp("scored") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        sqlscore.refresh(con)
    return path


@pytest.fixture
def database(scored: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copy(scored, tmp_path / "shop.duckdb"))


def all_over_again(database: Path, hour: int) -> None:
    """A newer event, and a refresh that has to score everybody for it."""
    with sqlscore.connect(database) as con:
        con.execute("INSERT INTO events VALUES (0, TIMESTAMP '2024-01-20' + to_hours(?), 'buy')", [hour])
        con.execute("DROP TABLE IF EXISTS sqlscore.refreshed")


def is_running(child: Child) -> bool:
    """Whether it is in the middle of a run."""
    return bool(child.health()["running"])


def as_scored(database: Path) -> tuple[object, ...]:
    """Whose scores the file holds: rows, users, the one moment of all; and what a refresh leaves when it is cut off."""
    with sqlscore.connect(database) as con:
        (row,) = con.execute(
            """SELECT count(*), count(DISTINCT user_id), count(DISTINCT as_of), max(as_of)::VARCHAR,
                (SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'next_%')
               FROM sqlscore.scored_users"""
        ).fetchall()
        return tuple(row)


@pytest.mark.slow
def test_sigterm_in_a_refresh_ends_it_in_time_and_rolls_it_back(database: Path):
    """Within the bound that was asked for, whatever the engine is doing."""
    before = as_scored(database)
    all_over_again(database, 1)
    child = Child(database, database.with_name("log"), "--every", "1h", "--stop-within", "1")
    wait_for("a refresh", partial(is_running, child), PATIENCE)
    code, seconds = child.terminate(PATIENCE)
    assert code == 0
    assert seconds < 10  # 1 s, and what a busy machine makes of it
    assert as_scored(database) == before
    with duckdb.connect(database, read_only=True) as con:
        (status,) = con.execute("SELECT max_by(status, started_at) FROM sqlscore.runs WHERE verb = 'serve'").fetchall()
        assert status == ("stopped",)


@pytest.mark.slow
def test_a_server_that_is_killed_at_any_moment_leaves_whole_scores(database: Path):
    """The old ones or the new ones; the next server goes on from there, and notes what happened."""
    dice = random.Random(4)
    with duckdb.connect(database, read_only=True) as con:
        (longest,) = con.execute(
            "SELECT epoch(max(finished_at - started_at)) FROM sqlscore.runs WHERE verb = 'refresh'"
        ).fetchall()[0]
    allowed = {as_scored(database)}
    for number in range(3):
        all_over_again(database, 2 + number)
        child = Child(database, database.with_name("log"), "--every", "1h")
        wait_for("a refresh", partial(is_running, child), PATIENCE)
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(dice.uniform(0, longest))
        child.kill()
        allowed.add((USERS, USERS, 1, f"2024-01-20 0{2 + number}:00:00", 0))
        assert as_scored(database) in allowed
    done = run("serve", database, "--once", "--json")
    assert done.exit_code == 0, done.stderr
    assert as_scored(database) == (USERS, USERS, 1, "2024-01-20 04:00:00", 0)
    with duckdb.connect(database, read_only=True) as con:
        rows = con.execute(
            "SELECT status, message FROM sqlscore.runs WHERE verb = 'serve' ORDER BY started_at"
        ).fetchall()
    assert set(rows) <= {("ok", None), ("failed", jobs.KILLED)}
    assert len(rows) == 4  # three were killed, and the last went on


def test_one_run_says_by_its_exit_code_how_it_went(database: Path, tmp_path: Path):
    """cron and Airflow look at nothing else."""
    good = run("serve", database, "--once", "--json", "--publish", tmp_path / "out")
    assert good.exit_code == 0, good.stderr
    assert '"kind": "publish"' in good.stdout
    bad = run("serve", database, "--once", "--retries", 0, "--publish", tmp_path / "out.json")
    assert bad.exit_code == 1
    assert not lock_path(database).exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "--every 1h, --at 02:00, or --once; or what to answer: --score"),
        (("--once", "--every", "1h"), 2, "leave --every and --at out"),
        (("--every", "1h", "--json"), 2, "goes with --once"),
        (("--once", "--score"), 2, "choose one"),
        (("--score", "--publish", "out"), 2, "--publish is part of a run"),
        (("--every", "1h", "--open"), 2, "it goes with --score"),
        (("--score", "--host", "203.0.113.1"), 1, "add --open if that is meant"),
        (("--mysql", "0", "--every", "1h"), 2, "run them one after the other"),
        (("--mysql", "0", "--score"), 2, "start each on its own"),
        (("--mysql", "0", "--report", "r.md"), 2, "--mysql alone runs nothing"),
        (("--mysql", "0", "--host", "203.0.113.1"), 1, "add --open if that is meant"),
        (("--mysql", "0", "--host", "203.0.113.1", "--open"), 1, "set SQLSCORE_TOKEN"),
        (("--every", "soon"), 1, "is not a length of time"),
        (("--once", "--dbt", "no-such-folder"), 1, "no dbt_project.yml"),
        (("--once", "--mapping", "orders"), 1, 'no events are mapped as "orders"'),
        (("--every", "1h", "--host", "203.0.113.1", "--port", "0"), 1, "cannot be listened on"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(database: Path, options: tuple[str, ...], code: int, said: str):
    """Before the first night, not in its log."""
    refused = run("serve", database, *options)
    assert refused.exit_code == code
    assert said in " ".join(refused.stderr.replace("│", " ").split())


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path):
    """A typing error in the name is no new database."""
    refused = run("serve", tmp_path / "shpo.duckdb", "--once")
    assert refused.exit_code == 1
    assert "there is no database file" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_scores_are_answered_beside_a_schedule_and_alone(scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By one process that owns the file, and by one that only reads it; neither prints, logs or leaves the token."""
    monkeypatch.delenv("SQLSCORE_TOKEN", raising=False)
    event = {"event_time": "2024-01-01T00:00:00", "event_type": "view"}
    answers = []
    for name, options in (("owned", ("--every", "1h")), ("read", ())):
        path = Path(shutil.copy(scored, tmp_path / f"{name}.duckdb"))
        log = tmp_path / f"{name}.log"
        child = Child(path, log, *options, "--score")
        try:
            assert child.process.stdout is not None
            said = child.process.stdout.readline()
            kept = Path(f"{path}.token")
            assert f"scores: POST http://{child.url}/score, described at http://{child.url}/docs" in said
            assert said.endswith(f"the token in {kept}\n")
            secret = kept.read_text()
            answers.append(Client(f"http://{child.url}", secret).score(events=[event], as_of="2024-01-02"))
            assert child.metrics()['sqlscore_score_requests_total{status="200"}'] == 1
            code, _ = child.terminate(PATIENCE)
        finally:
            child.end()
        assert code == 0
        assert not kept.exists()
        assert secret not in said + log.read_text()
    assert answers[0] == answers[1]
    assert answers[0][0]["score_events"]["model"] == "tiny@1"
