"""A run: its steps, its retries, its end, and what is written down of it. No process, no clock."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import ModelError, OutputError, ServingError
from sqlscore.serving import jobs
from sqlscore.serving.backoff import Backoff
from sqlscore.serving.notices import Event, Retrying, RunEnded, StepEnded
from sqlscore.serving.steps import Job, chosen_mappings
from sqlscore.serving.stopping import Stop, Stopped

AT_ONCE = Backoff(retries=2, first=0.0, most=0.0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with twenty users in a folder of Parquet files, and the tiny model."""
    folder = tmp_path_factory.mktemp("jobs")
    path = folder / "shop.duckdb"
    arrive(folder, 1)
    with sqlscore.connect(path) as con:
        sqlscore.map_events(con, str(folder / "*.parquet"))
        register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    return path


def arrive(folder: Path, day: int) -> None:
    """Ten more users."""
    duckdb.sql(
        f"""SELECT {day * 10} + i % 20 AS user_id, TIMESTAMP '2024-01-01' + to_days({day}) AS event_time,
            'view' AS event_type FROM range(60) t(i)"""
    ).write_parquet(str(folder / f"{day:02}.parquet"))


@pytest.fixture
def con(prepared: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, without the runs of the tests before."""
    with sqlscore.connect(prepared) as con:
        con.execute("DELETE FROM sqlscore.runs")
        yield con


class Heard(list[Event]):
    """Everything that was told."""

    def of(self, kind: type) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]


def run(con: duckdb.DuckDBPyConnection, job: Job | None = None, stop: Stop | None = None) -> tuple[RunEnded, Heard]:
    heard = Heard()
    return jobs.run(con, job or Job(backoff=AT_ONCE), stop or Stop(), heard.append), heard


def recorded(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None]]:
    return con.execute("SELECT status, message FROM sqlscore.runs WHERE verb = 'serve' ORDER BY started_at").fetchall()


def failing(times: int, then: Callable[..., Any], error: Exception | None = None) -> Callable[..., Any]:
    """A verb that fails so often before it works."""
    left = [times]

    def verb(*arguments: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error or OSError("the disk is full")
        return then(*arguments, **options)

    return verb


def test_a_run_scores_what_arrived_since_the_one_before(con: duckdb.DuckDBPyConnection, prepared: Path):
    """Files that match the mapping's pattern are there without mapping again."""
    first, _ = run(con)
    arrive(prepared.parent, 2)
    second, heard = run(con)
    assert [report.outcome for report in (first, second)] == ["ok", "ok"]
    rows = [report.steps[0].result["tables"]["scored_users"] for report in (first, second)]
    assert rows[1] == rows[0] + 10
    assert [step.kind for step in heard.of(StepEnded)] == ["refresh", "policy"]
    assert recorded(con) == [("ok", None), ("ok", None)]
    details = json.loads(con.execute("SELECT details FROM sqlscore.runs WHERE verb = 'serve' LIMIT 1").fetchall()[0][0])
    assert details["steps"][0]["result"]["model"] == "tiny@1"


def test_the_scores_of_a_run_are_kept_where_that_is_asked_for(con: duckdb.DuckDBPyConnection):
    """Only then: they are a row a user at every run."""
    kept = "SELECT count(*) FROM sqlscore.past_scores"
    run(con)
    assert con.execute(kept).fetchall() == [(0,)]
    report, _ = run(con, Job(backoff=AT_ONCE, keep_history=True))
    assert con.execute(kept).fetchall() == [(report.steps[0].result["tables"]["scored_users"],)]


def test_a_step_that_fails_is_tried_again(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch):
    """What was gone for a moment costs a retry, not a run."""
    monkeypatch.setattr(sqlscore, "refresh", failing(2, sqlscore.refresh), raising=False)
    report, heard = run(con)
    assert (report.outcome, report.steps[0].retries) == ("ok", 2)
    assert [retry.error for retry in heard.of(Retrying)] == ["OSError: the disk is full"] * 2


def test_a_step_that_fails_for_good_is_written_down_and_nothing_is_published(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The run failed, the server did not; old scores are not published as if they were new."""
    monkeypatch.setattr(sqlscore, "refresh", failing(99, sqlscore.refresh), raising=False)
    job = Job(publish=(str(tmp_path / "scores.duckdb"),), backoff=AT_ONCE)
    report, _ = run(con, job)
    assert [(step.kind, step.outcome) for step in report.steps] == [("refresh", "failed"), ("policy", "ok")]
    assert recorded(con) == [("failed", "refresh events: OSError: the disk is full")]
    (problem,) = [problem for problem in sqlscore.status(con).problems if "scheduled" in problem.what]
    assert "the last scheduled run failed: refresh events: OSError" in problem.what
    monkeypatch.undo()
    run(con, job)
    assert not [problem for problem in sqlscore.status(con).problems if "scheduled" in problem.what]


def test_one_lost_target_leaves_the_others_alone(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A database that is down in one place is no reason for old figures in another."""
    url, good = "postgresql://ann:hunter22@127.0.0.1:1/marts", tmp_path / "scores.duckdb"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "1")
    report, heard = run(con, Job(publish=(url, str(good)), tables=("scored_users",), backoff=Backoff(1, 0.0)))
    assert [(step.target, step.outcome) for step in report.steps if step.kind == "publish"] == [
        ("postgresql://127.0.0.1:1/marts", "failed"),
        (str(good), "ok"),
    ]
    assert good.exists()
    assert report.outcome == "failed"
    kept = con.execute("SELECT string_agg(concat(message, details)) FROM sqlscore.runs").fetchall()[0][0]
    assert "hunter22" not in kept + repr(heard)


def test_passwords_in_errors_are_left_out(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch):
    """Whatever a library writes into its error: the table is read by more people than the password is for."""
    monkeypatch.setenv("PGPASSWORD", "from-the-environment")
    error = RuntimeError("postgresql://ann:p%40ss@db/x said no to 'p@ss', password=other and from-the-environment")
    monkeypatch.setattr(sqlscore, "publish", failing(9, lambda: None, error), raising=False)
    run(con, Job(publish=("postgresql://ann:p%40ss@db/x",), backoff=AT_ONCE))
    (message,) = recorded(con)[0][1:]
    assert message is not None
    assert "said no" in message
    assert not [secret for secret in ("p%40ss", "p@ss", "other", "from-the-environment") if secret in message]


def test_a_champion_trained_anew_is_scored_and_published_in_the_same_run(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Fresh scores of the old model first, then the training, then the scores of the new one."""
    monkeypatch.setattr("sqlscore.serving.steps.reason_to_retrain", lambda *_, **__: "it is old")
    monkeypatch.setattr("sqlscore.serving.steps.retrain", lambda *_, **__: {"promoted": True})
    report, _ = run(con, Job(publish=(str(tmp_path / "scores.duckdb"),), backoff=AT_ONCE))
    kinds = ["refresh", "publish", "policy", "retrain", "refresh", "publish"]
    assert [step.kind for step in report.steps] == kinds


def test_a_report_is_kept_fresh_also_when_the_refresh_fails(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The page says what is wrong, so it is written then too; one that cannot be written fails before the first run."""
    job = Job(reports=(str(tmp_path / "{mapping}.html"), str(tmp_path / "page.md")), backoff=AT_ONCE)
    report, _ = run(con, job)
    assert [(step.kind, step.outcome) for step in report.steps[:3]] == [
        ("refresh", "ok"), ("report", "ok"), ("report", "ok"),
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.html", "page.md"]
    (tmp_path / "page.md").unlink()
    monkeypatch.setattr(sqlscore, "refresh", failing(99, sqlscore.refresh), raising=False)
    assert run(con, job)[0].outcome == "failed"
    assert (tmp_path / "page.md").exists()
    with pytest.raises(OutputError, match=r"as \.html or \.md"):
        chosen_mappings(con, Job(reports=(str(tmp_path / "report.pdf"),)))


def test_a_training_that_fails_keeps_the_fresh_scores(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch):
    """The old champion goes on."""
    monkeypatch.setattr("sqlscore.serving.steps.reason_to_retrain", lambda *_, **__: "it is old")
    monkeypatch.setattr("sqlscore.serving.steps.retrain", failing(9, dict))
    report, _ = run(con)
    assert [(step.kind, step.outcome) for step in report.steps] == [
        ("refresh", "ok"),
        ("policy", "ok"),
        ("retrain", "failed"),
    ]


def test_a_run_that_is_asked_to_stop_begins_nothing_new(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The step that runs comes to its end, and waiting for a retry is over at once."""
    stop = Stop()
    refresh = sqlscore.refresh

    def asked_meanwhile(*arguments: Any, **options: Any) -> Any:
        stop.ask()
        return refresh(*arguments, **options)

    monkeypatch.setattr(sqlscore, "refresh", asked_meanwhile, raising=False)
    report, _ = run(con, Job(publish=(str(tmp_path / "scores.duckdb"),), backoff=Backoff(9, 1e6, 1e6)), stop)
    assert [(step.kind, step.outcome) for step in report.steps[:2]] == [("refresh", "ok"), ("publish", "stopped")]
    assert recorded(con)[0][0] == "stopped"
    assert not (tmp_path / "scores.duckdb").exists()


def test_a_run_that_is_cancelled_rolls_its_step_back(con: duckdb.DuckDBPyConnection, prepared: Path):
    """The old table stays as it was, and the next run does the work."""
    run(con)
    before = con.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    arrive(prepared.parent, 3)
    con.execute("UPDATE sqlscore.refreshed SET model = 'another@1'")  # everybody is scored, in batches

    class CancelledInTheMiddle(Stop):
        def start(self, description: str, total: float | None) -> None:
            self.cancel()

    report, _ = run(con, stop=CancelledInTheMiddle())
    assert report.outcome == "stopped"
    assert con.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall() == before
    assert run(con)[0].steps[0].result["tables"]["scored_users"] > len(before)


def test_a_run_that_was_killed_is_noted_at_the_next_start(con: duckdb.DuckDBPyConnection):
    """Else it would be running for ever."""
    con.execute("INSERT INTO sqlscore.runs VALUES ('serve', '*', '2024-01-01', NULL, 'running', NULL, NULL)")
    jobs.recover(con)
    jobs.recover(con)
    assert recorded(con) == [("failed", jobs.KILLED)]
    assert jobs.last_success(con) is None


def test_several_mappings_do_not_overwrite_each_others_files(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """The second one published would be the only one."""
    relation = str(
        Path(con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]).parent
    )
    sqlscore.map_events(con, f"{relation}/*.parquet", name="orders")
    try:
        register(con, tiny_artifact(), name="other", mapping="orders", champion=True, verb="train")
        with pytest.raises(ServingError, match="can hold one mapping, and events, orders are to go there"):
            chosen_mappings(con, Job(publish=(str(tmp_path / "all.duckdb"),)))
        report, _ = run(con, Job(publish=(str(tmp_path / "{mapping}.duckdb"),), tables=("scored_users",)))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["events.duckdb", "orders.duckdb"]
        assert [step.target for step in report.steps if step.kind == "refresh"] == ["events", "orders"]
        assert chosen_mappings(con, Job(mappings=("orders",))) == ["orders"]
    finally:
        sqlscore.unmap(con, "orders")
        sqlscore.drop_model(con, "other@1")


def test_a_file_without_a_model_is_refused_before_anything_runs():
    """A schedule that can never work is a mistake to be told of at once."""
    with sqlscore.connect() as con:
        con.execute(
            "CREATE TABLE events AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
        )
        sqlscore.map_events(con, "events")
        with pytest.raises(ModelError, match="sqlscore train"):
            chosen_mappings(con, Job())


def test_dbt_stands_in_place_of_the_refresh(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Its profile is the project's own where there is one, and a failed model is named."""
    seen: list[list[str]] = []
    node = SimpleNamespace(node=SimpleNamespace(name="scored"), message="no such column", status="error")
    results = [SimpleNamespace(success=False, result=SimpleNamespace(results=[node]), exception=None)]
    results.append(SimpleNamespace(success=True, result=SimpleNamespace(results=[node, node]), exception=None))

    class Runner:
        def invoke(self, arguments: list[str]) -> SimpleNamespace:
            seen.append(arguments)
            return results[min(len(seen), 2) - 1]

    module = ModuleType("dbt.cli.main")
    module.dbtRunner = Runner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dbt.cli.main", module)
    (tmp_path / "profiles.yml").touch()
    report, heard = run(con, Job(dbt=tmp_path, backoff=AT_ONCE))
    assert [(step.kind, step.outcome, step.result["nodes"]) for step in report.steps[:1]] == [("dbt", "ok", 2)]
    assert list(report.steps[0].result["judged"]) == ["events"]
    assert "scored: no such column" in heard.of(Retrying)[0].error
    assert seen[0][-4:] == ["--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path)]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 100), st.floats(0, 1000))
def test_waiting_grows_within_bounds(retry: int, chance: float, first: float, most: float):
    """Never longer than the limit, whatever the number of retries; and two that wait do not wait alike."""
    backoff = Backoff(3, first, most)
    seconds = backoff.seconds(retry, chance)
    assert 0 <= seconds <= most
    assert seconds >= min(most, first) / 2
    assert backoff.seconds(retry + 1, chance) >= seconds


def test_stop_ends_a_pause_at_once():
    """A server that waits an hour before a retry must not be killed to be stopped."""
    stop = Stop()
    stop.pause(0.0)
    stop.advance(1)
    stop.ask()
    with pytest.raises(Stopped):
        stop.pause(timedelta(hours=1).total_seconds())
    stop.advance(1)  # what has begun goes on until it is cancelled
    stop.cancel()
    with pytest.raises(Stopped):
        stop.advance(1)
