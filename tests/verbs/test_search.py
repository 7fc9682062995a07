"""Searching for options: judged by validation, resumed after a kill, the test part looked at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import TrainingError
from sqlscore.experiments.trials import FOR_RARE_ACTIONS, ONLY, SPACE, Among, defaults_of, searched
from sqlscore.training.evaluation.evaluate import evaluate_log
from sqlscore.training.options import TrainingOptions
from sqlscore.verbs.search import SearchResult

FIXED: dict[str, Any] = {"max_epochs": 1, "hidden": 8, "width": 8, "churn": False}
SEARCH: dict[str, Any] = {"architectures": ["gru", "recent_window"], "trials": 3, "seed": 3} | FIXED


def visits(con: duckdb.DuckDBPyConnection) -> None:
    """60 users who go through four actions in turn."""
    con.execute(
        """CREATE TABLE visits AS
           SELECT i % 60 AS who, ['view', 'cart', 'buy', 'leave'][1 + (i // 60 + i % 60) % 4] AS did,
                  TIMESTAMP '2024-01-01' + to_hours(i // 60 * 24 + i % 20) AS at
           FROM range(60 * 30) t(i)"""
    )
    sqlscore.map_events(con, "visits", user_id="who", event_time="at", event_type="did")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "visits.duckdb"
    with sqlscore.connect(path) as con:
        visits(con)
    return path


@pytest.fixture(scope="module")
def found(made: Path) -> SearchResult:
    """A search that ran through."""
    with sqlscore.connect(made) as con:
        return sqlscore.search(con, **SEARCH)


def test_the_winner_is_registered_with_its_options(made: Path, found: SearchResult) -> None:
    """Where the figures came from is part of the model."""
    values = [trial["value"] for trial in found.trials if trial["value"] is not None]
    assert found.value == min(values)
    assert found.model.notes["search"]["options"] == found.options
    assert found.model.notes["search"]["trials"] == 3
    for name, value in found.options.items():
        assert found.model.notes["options"][name] == value
    assert found.model.metrics["next_action"]["n"] > 0
    assert Path(found.study) == made.with_name("visits.duckdb.search.db")


def test_the_defaults_of_training_are_tried_first(found: SearchResult) -> None:
    """A search that does worse than no search is noticed."""
    assert [trial["options"]["architecture"] for trial in found.trials[:2]] == SEARCH["architectures"]
    assert all(trial["options"]["learning_rate"] == TrainingOptions().learning_rate for trial in found.trials[:2])


def test_what_the_caller_fixes_is_not_searched(found: SearchResult) -> None:
    """An option that was given is meant."""
    assert all("hidden" not in trial["options"] and "embedding" in trial["options"] for trial in found.trials)


def test_the_same_search_again_trains_nothing(made: Path, found: SearchResult) -> None:
    """All trials are there, and so is the winner."""
    with sqlscore.connect(made) as con:
        again = sqlscore.search(con, **SEARCH)
        assert len(sqlscore.list_models(con)) == 1
    assert again.model.label == found.model.label
    assert again.trials == found.trials


@pytest.mark.slow
def test_more_trials_go_on_and_other_events_begin_anew(found: SearchResult, tmp_path: Path) -> None:
    """Values of other events cannot be compared with these."""
    study = tmp_path / "study.db"
    with sqlscore.connect() as con:
        visits(con)
        first = sqlscore.search(con, study=study, **SEARCH | {"trials": 1})
        more = sqlscore.search(con, study=study, **SEARCH | {"trials": 2})
        assert [trial["number"] for trial in more.trials] == [0, 1]
        assert more.trials[0] == first.trials[0]
        assert [trial["options"] for trial in more.trials] == [trial["options"] for trial in found.trials[:2]]
        con.execute("INSERT INTO visits SELECT 7, 'view', TIMESTAMP '2024-02-02'")
        assert len(sqlscore.search(con, study=study, **SEARCH | {"trials": 1}).trials) == 1


KILLED = """
import os, signal, sys
import sqlscore
from sqlscore.experiments import study
count, run = 0, study.run_trial
from sqlscore.experiments import trials
inner = trials.fit_log
def fit_log(*args, on_epoch, **options):
    def die(epoch):
        on_epoch(epoch)
        if {trial} == len(open(sys.argv[2]).read()):
            os.kill(os.getpid(), signal.SIGKILL)
    made = inner(*args, on_epoch=die, **options)
    open(sys.argv[2], "a").write("x")
    return made
trials.fit_log = fit_log
with sqlscore.connect(sys.argv[1]) as con:
    sqlscore.search(con, **{options})
"""


@pytest.mark.slow
def test_a_killed_search_goes_on_with_the_same_call(made: Path, found: SearchResult, tmp_path: Path) -> None:
    """What was tried is kept, what was under way is tried again, and the end is that of an undisturbed search."""
    path = tmp_path / "visits.duckdb"
    with sqlscore.connect(path) as con:
        visits(con)
    (tmp_path / "count").touch()
    script = KILLED.format(trial=1, options=SEARCH)
    died = subprocess.run(
        [sys.executable, "-c", script, str(path), str(tmp_path / "count")], capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    with sqlscore.connect(path) as con:
        resumed = sqlscore.search(con, **SEARCH)
    states = [trial["state"] for trial in resumed.trials]
    assert states.count("fail") == 1
    kept = [trial for trial in resumed.trials if trial["state"] != "fail"]
    assert len(kept) == 3
    assert kept[1]["options"] == next(t for t in resumed.trials if t["state"] == "fail")["options"]
    assert [trial["value"] for trial in kept] == [trial["value"] for trial in found.trials]


@pytest.mark.slow
def test_searching_looks_at_the_test_part_once(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that are chosen on the test part make its figures worthless."""
    from sqlscore.training import fit as fitting

    looked = []

    def judge(*arguments: Any) -> Any:
        looked.append(1)
        return evaluate_log(*arguments)

    monkeypatch.setattr(fitting, "evaluate_log", judge)
    visits(con)
    sqlscore.search(con, study=":memory:", **SEARCH | {"trials": 2})
    assert len(looked) == 1


def test_a_hopeless_trial_is_pruned(tmp_path: Path) -> None:
    """Time goes to what may win."""
    from sqlscore.experiments.study import finished, open_study, run_trial, trials_of
    from sqlscore.training.learning.training import Epoch

    study = open_study(tmp_path / "s.db", "s", maximize=True, prunes=True)

    def judge(options: dict[str, Any], on_epoch: Any) -> float:
        loss = float(finished(study))  # each trial is worse than the last
        for number in range(1, 6):
            on_epoch(Epoch(number, loss, loss, 0.0))
        return -loss

    for _ in range(6):
        run_trial(study, {"gru": {"dropout": Among((0.1, 0.2))}}, {"dropout": 0.1}, 0, judge)
    trials = trials_of(study)
    assert [trial["state"] for trial in trials] == ["complete"] * 4 + ["pruned"] * 2
    assert trials[5]["epochs"] < 5
    assert trials[5]["value"] is None


def test_a_diverged_trial_ends_nothing(tmp_path: Path) -> None:
    """A learning rate may be too high; the search goes on, and does not try for ever."""
    from sqlscore.experiments.study import best_trial, finished, open_study, run_trial

    study = open_study(tmp_path / "s.db", "s", maximize=False, prunes=True)
    space = {"gru": {"dropout": Among((0.1, 0.2))}}
    run_trial(study, space, {"dropout": 0.1}, 0, lambda options, on_epoch: float("nan"))
    assert finished(study) == 1
    with pytest.raises(TrainingError, match="no trial came to a value"):
        best_trial(study)


def test_the_defaults_lie_inside_the_space() -> None:
    """They are the first trial, and a trial outside the space teaches the sampler nothing."""
    for name, where in (SPACE | ONLY["attention_rnn"] | FOR_RARE_ACTIONS).items():
        value = defaults_of(TrainingOptions())[name]
        assert value in where.values if isinstance(where, Among) else where.low <= value <= where.high


def test_weights_of_rare_actions_are_searched_where_rare_actions_count() -> None:
    """By log-loss they can only lose, and would take trials from the rest."""
    assert FOR_RARE_ACTIONS.keys() <= searched("gru", "f1", frozenset()).keys()
    assert not FOR_RARE_ACTIONS.keys() & searched("gru", "log_loss", frozenset()).keys()
    assert "class_weight" not in searched("gru", "f1", frozenset({"class_weight"}))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"architectures": ["gbm"]}, '"gbm" has no options to search for, choose among gru, lstm'),
        ({"architectures": ["markov"]}, '"markov" has no options'),
        ({"architectures": []}, "name at least one"),
        ({"metric": "recall"}, "choose one of log_loss, accuracy, f1, auc"),
        ({"metric": "auc", "churn": False}, "nothing can be searched by auc of churn: it was trained without"),
        ({"trials": 0}, "at least one"),
        ({}, "a database in memory has no folder"),
    ],
)
def test_what_cannot_be_searched_is_said_first(
    in_memory: duckdb.DuckDBPyConnection, asked: dict[str, Any], message: str
) -> None:
    """Before a night of trials."""
    visits(in_memory)
    with pytest.raises(TrainingError, match=message):
        sqlscore.search(in_memory, **({"study": "unused.db"} if asked else {}) | asked)


def test_a_file_that_is_something_else_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Nobody's file is overwritten."""
    visits(con)
    (tmp_path / "notes.txt").write_text("my notes, longer than the header of a database of any kind" * 20)
    with pytest.raises(TrainingError, match=r"notes.txt cannot hold the trials .* name another file with study="):
        sqlscore.search(con, study=tmp_path / "notes.txt", **FIXED)
    assert (tmp_path / "notes.txt").read_text().startswith("my notes")


def test_a_missing_library_names_the_extra(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional; its absence is no traceback."""
    visits(con)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(TrainingError, match=r"pip install 'sqlscore\[search\]'"):
        sqlscore.search(con)


def test_the_command_prints_trials_and_winner(made: Path, found: SearchResult, tmp_path: Path) -> None:
    """What people read, and what scripts read; the study is an SQLite file that other tools open."""
    command = ["search", str(made), "--trials", "1", "--max-epochs", "1", "--study", str(tmp_path / "s.db")]
    printed = CliRunner().invoke(app, [*command, "--json"])
    assert printed.exit_code == 0, printed.output
    result = json.loads(printed.stdout)
    assert result["model"]["notes"]["search"]["options"] == result["options"]
    shown = CliRunner().invoke(app, command)
    assert "on the validation part" in shown.stdout
    assert f"sqlscore promote {made} {result['model']['label']}" in shown.stdout
    with sqlite3.connect(tmp_path / "s.db") as plain:
        assert plain.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone() == (1,)
