"""A dbt build is judged by the guards as a refresh is: by dbt itself, and by the server that runs it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import duckdb
import pytest
from dbt_run import run_dbt
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.dbt.guarding import judged
from sqlscore.dbt.project import write_project
from sqlscore.serving import jobs
from sqlscore.serving.backoff import Backoff
from sqlscore.serving.logs import log_event
from sqlscore.serving.notices import Event, Retrying, StepEnded
from sqlscore.serving.observing import _after as after
from sqlscore.serving.server import first_state
from sqlscore.serving.steps import Job
from sqlscore.serving.stopping import Stop

NEWEST = "SELECT max(as_of), count(*) FROM sqlscore_user_scores"
FUTURE = "INSERT INTO e VALUES (7, TIMESTAMP '2094-01-01', 'view')"
LEAP = "INSERT INTO e VALUES (7, TIMESTAMP '2025-12-01', 'view')"
GONE = "DELETE FROM e WHERE user_id > 0"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose scores of 50 users were built once."""
    folder = tmp_path_factory.mktemp("judged")
    with sqlscore.connect(folder / "shop.duckdb") as con:
        con.execute(
            """CREATE TABLE e AS SELECT i % 50 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i * 57) AS event_time,
                   (['view', 'cart', 'buy'])[1 + i % 3] AS event_type FROM range(1500) t(i)"""
        )
        sqlscore.map_events(con, "e")
        register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    write_project(folder / "scoring", str(folder / "shop.duckdb"))
    for file in (folder / "scoring/models").rglob("*.yml"):
        if file.name != "sqlscore_sources.yml":
            file.unlink()  # the tests of the project, which tests/dbt/test_project.py runs
    shutil.rmtree(folder / "scoring/tests")
    profile = folder / "scoring/profiles.yml"  # a copy of the folder has a file of its own
    text = profile.read_text(encoding="utf-8").replace(str(folder / "shop.duckdb"), "{{ env_var('SHOP') }}")
    profile.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP", str(tmp_path / "judged/shop.duckdb"))
    shutil.copytree(template, tmp_path / "judged")
    return tmp_path / "judged"


def build(folder: Path, *arguments: str, change: str = "", models: str = "+sqlscore_user_scores") -> tuple[bool, str]:
    """Whether a build of the scores succeeds after a change of the events, and what its log says."""
    project = folder / "scoring"
    if change:
        with duckdb.connect(folder / "shop.duckdb") as con:
            con.execute(change)
    log = project / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    places = ("--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(log.parent))
    outcome = run_dbt("build", *places, "--select", models, *arguments)
    return outcome.success, log.read_text(encoding="utf-8")


def newest(folder: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(folder / "shop.duckdb", read_only=True) as con:
        return con.execute(NEWEST).fetchall()


@pytest.mark.slow
def test_a_build_warns_refuses_and_accepts_as_a_refresh_does(folder: Path) -> None:
    """The log says it; the old scores stay until the events are accepted; a test of one model alone is judged too."""
    done, said = build(folder, change=FUTURE)
    assert done
    assert "events: 1 of 1501 rows lie in the future (newest: 2094-01-01 00:00:00), and are left out" in said
    scored = newest(folder)
    assert scored[0][1] == 50
    assert str(scored[0][0]) < "2025"
    for models, change in (("+sqlscore_user_scores", LEAP), ("sqlscore_user_scores", "")):
        done, said = build(folder, change=change, models=models)
        assert not done
        assert "lie 641 days after all others" in said
        assert 'or run dbt build --vars "{sqlscore_accept: true}" if they are right' in said
        assert newest(folder) == scored
    with sqlscore.connect(folder / "shop.duckdb") as con:
        status = sqlscore.status(con)
    assert (status.mappings[0].built_by, status.mappings[0].built_events) == ("tiny@1", 1500)
    commands = {problem.what: problem.command for problem in status.problems}
    assert not [what for what in commands if "materialized" in what]  # the scores are dbt's tables
    assert commands['"events" has 1501 events, the scores that dbt built rest on 1500'] == "dbt build"
    assert [command for what, command in commands.items() if "641 days" in what] == [
        'dbt build --vars "{sqlscore_accept: true}"'
    ]
    done, said = build(folder, "--vars", "{sqlscore_accept: true}")
    assert done
    assert "lie 641 days after all others" in said
    ((as_of, _),) = newest(folder)
    assert str(as_of) == "2025-12-01 00:00:00"


@pytest.mark.slow
def test_a_server_that_builds_with_dbt_knows_what_the_guards_say(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its log, `/health` and the gauge read the board's state; a refusal is not tried again."""
    job = Job(dbt=folder / "scoring", backoff=Backoff(retries=2, first=0.0, most=0.0))
    heard: list[Event] = []
    with sqlscore.connect(folder / "shop.duckdb") as con, caplog.at_level(logging.INFO, "sqlscore.serve"):
        state = first_state(con, job)

        def tell(event: Event) -> None:
            nonlocal state
            heard.append(event)
            log_event(event)
            state = after(state, event)

        def served(change: str) -> tuple[str, dict[str, str], list[str]]:
            heard.clear()
            caplog.clear()
            con.execute(change)
            step = jobs.run(con, job, Stop(), tell).steps[0]
            assert step.kind == "dbt"
            said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
            return step.outcome, {k: v for k, v in state.guards["events"].items() if v != "ok"}, said

        outcome, guards, said = served(FUTURE)
        assert (outcome, guards) == ("ok", {"future_share": "warn"})
        assert len(said) == 1
        assert "events: 1 of 1501 rows lie in the future" in said[0]
        assert first_state(con, job).warnings == state.warnings
        outcome, guards, said = served(GONE)
        assert outcome == "failed"
        assert guards["emptied_share"] == "refuse"
        assert "1470 of 1500 events are gone since the last dbt build" in said[0]
        assert not [event for event in heard if isinstance(event, Retrying)]
        assert [event.outcome for event in heard if isinstance(event, StepEnded)].count("failed") == 1


def test_a_function_says_what_a_verb_would_raise(folder: Path) -> None:
    """dbt shows its sentence, and not the engine's wrapping of an error."""
    with sqlscore.connect(folder / "shop.duckdb") as con:
        assert '"refused": null' in judged(con, "events", False, None)
        assert 'no events are mapped as \\"other\\"' in judged(con, "other", False, None)
        con.execute("ALTER TABLE e RENAME COLUMN event_time TO happened")
        assert "event_time" in judged(con, "events", False, None)
