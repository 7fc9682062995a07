"""The leaderboard: equal terms, honest intervals, and a table that anybody can read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.leaderboard import LEADERBOARD_COLUMNS
from sqlscore.errors import ModelError, TrainingError
from sqlscore.experiments.intervals import auc_draws, interval, mean_draws, standing
from sqlscore.verbs.compare import Comparison

TINY: dict[str, Any] = {"max_epochs": 1, "embedding": 8, "hidden": 8, "width": 8}
BASELINES = {"majority", "repeat_last", "markov1", "markov2", "markov3", "markov2_recent", "markov3_recent"}
DID = "['view', 'cart', 'buy', 'leave'][1 + (i // 120 + i % 120) % 4]"


def visits(con: duckdb.DuckDBPyConnection) -> None:
    """120 users, every other one of whom stops coming on some day; odd names, users of one event, rows of nobody."""
    con.execute(
        f"""CREATE TABLE "my visits" AS
            SELECT CASE WHEN i % 119 > 0 THEN i % 120 END AS "the user",
                   CASE WHEN i % 31 > 0 THEN {DID} ELSE 'view' END AS "select",
                   TIMESTAMP '2024-01-01' + to_hours(i // 120 * 24 + i % 20) AS "group",
                   (i % 7) * 1.5 AS price
            FROM range(120 * 40) t(i) WHERE i // 120 < 40 - (i % 2) * (i % 120 % 37) AND (i % 120 > 3 OR i < 120)"""
    )
    sqlscore.map_events(
        con, "my visits", user_id="the user", event_time="group", event_type="select", features=["price"]
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison, dict[str, Any]]:
    """A file with one comparison of three architectures and a model that was there before, and that one's figures."""
    path = tmp_path_factory.mktemp("compare") / "visits.duckdb"
    with sqlscore.connect(path) as con:
        visits(con)
        sqlscore.train(con, horizon="5 days", **TINY)
        alone = sqlscore.evaluate(con)
        found = sqlscore.compare(con, architectures=["gru", "markov", "gbm"], models=["events@1"], **TINY)
    return path, found, alone


def rows_of(found: Comparison) -> dict[str, dict[str, Any]]:
    return {row["contender"]: row for row in found.rows}


def test_every_contender_and_baseline_has_a_row(compared: tuple[Path, Comparison, dict[str, Any]]) -> None:
    """A figure without its baselines means nothing."""
    rows = rows_of(compared[1])
    assert set(rows) == {"gru", "markov", "gbm", "events@1", "recency", "frequency"} | BASELINES
    assert {name for name, row in rows.items() if row["kind"] == "baseline"} == BASELINES | {"recency", "frequency"}
    assert rows["gbm"]["kind"] == "peer"
    for name in ("gru", "markov", "gbm", "events@1"):
        assert rows[name]["parameters"] > 0
        assert rows[name]["scoring_events_per_second"] > 0
    for name in ("gru", "gbm"):
        assert rows[name]["training_seconds"] > 0
        assert 0 < rows[name]["churn_log_loss"] < 2


def test_a_taken_model_gets_the_figures_that_evaluate_gives(
    compared: tuple[Path, Comparison, dict[str, Any]],
) -> None:
    """Two figures for one question would make both worthless; the baselines are the same too."""
    _, found, alone = compared
    rows = rows_of(found)
    for name in ("accuracy", "top3", "log_loss", "macro_f1", "ece"):
        assert rows["events@1"][name] == pytest.approx(alone["next_action"][name], rel=1e-9)
    assert rows["events@1"]["churn_auc"] == pytest.approx(alone["churn"]["auc"])
    assert rows["recency"]["churn_auc"] == pytest.approx(alone["churn"]["baselines"]["recency"]["auc"])
    for name in BASELINES:
        assert rows[name]["log_loss"] == pytest.approx(alone["next_action"]["baselines"][name]["log_loss"])
    assert rows["gru"]["n_test"] == alone["next_action"]["n"]
    assert rows["gru"]["n_churn"] == alone["churn"]["n"]


def test_same_seed_and_options_tie_with_themselves(compared: tuple[Path, Comparison, dict[str, Any]]) -> None:
    """events@1 and gru are the same model: the comparison must not tell them apart."""
    rows = rows_of(compared[1])
    assert rows["gru"]["log_loss"] == pytest.approx(rows["events@1"]["log_loss"])
    assert rows["gru"]["rank"] == rows["events@1"]["rank"]


def test_intervals_hold_their_figures_and_ties_share_the_first_rank(
    compared: tuple[Path, Comparison, dict[str, Any]],
) -> None:
    """Reading down the ranks is reading the evidence."""
    found = compared[1]
    for row in found.rows:
        for name in ("accuracy", "log_loss", "churn_auc"):
            if row[name] is not None:
                assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert (row["rank"] == 1) == bool(row["tie_with_best"])
    assert found.rows[0]["rank"] == 1
    assert rows_of(found)["majority"]["rank"] > 1
    assert rows_of(found)["recency"]["rank"] is None  # it has no next action
    assert found.ties[0] == found.rows[0]["contender"]


def test_the_champion_is_proposed_by_validation_alone(compared: tuple[Path, Comparison, dict[str, Any]]) -> None:
    """Choosing by the test part would make its figures too good."""
    path, found, _ = compared
    models = [row for row in found.rows if row["kind"] == "model" and row["validation_loss"] is not None]
    assert found.best_by_validation == min(models, key=lambda row: row["validation_loss"])["model"]
    with sqlscore.connect(path) as con:
        champions = [info.label for info in sqlscore.list_models(con) if info.is_champion]
    assert champions == ["events@1"]  # nothing is promoted unasked


def test_any_duckdb_reads_the_leaderboard(compared: tuple[Path, Comparison, dict[str, Any]]) -> None:
    """A BI tool has no sqlscore; the table says what its columns mean."""
    path, found, _ = compared
    with duckdb.connect(path, read_only=True) as plain:
        rows = plain.execute("SELECT contender, log_loss, compared_at FROM sqlscore.leaderboard").fetchall()
        comments = plain.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'leaderboard'"
        ).fetchall()
    assert rows == [(row["contender"], row["log_loss"], found.compared_at) for row in found.rows]
    assert [name for name, _ in comments] == list(LEADERBOARD_COLUMNS)
    assert all(comment for _, comment in comments)


def test_the_table_is_there_and_empty_before_the_first_comparison(con: duckdb.DuckDBPyConnection) -> None:
    """A dashboard can be built before anything is compared; a second mapping has its own."""
    assert con.execute("FROM sqlscore.leaderboard").fetchall() == []
    visits(con)
    sqlscore.map_events(con, "my visits", user_id="the user", event_time="group", event_type="select", name="orders")
    assert con.execute("FROM sqlscore_orders.leaderboard").fetchall() == []
    sqlscore.compare(con, architectures=["markov"], mapping="orders", register=False, churn=False)
    assert con.execute("SELECT count(*) > 4 FROM sqlscore_orders.leaderboard").fetchall() == [(True,)]
    assert con.execute("FROM sqlscore.leaderboard").fetchall() == []
    assert sqlscore.list_models(con) == []


def test_a_comparison_replaces_the_last_and_a_failed_one_leaves_it(con: duckdb.DuckDBPyConnection) -> None:
    """A chart shows one comparison, whole."""
    visits(con)
    con.execute("CREATE VIEW chart AS SELECT contender FROM sqlscore.leaderboard")
    for _ in range(2):
        sqlscore.compare(con, architectures=["markov"], register=False, churn=False)
    before = con.execute("FROM chart").fetchall()
    assert len(before) == len(set(before))
    with pytest.raises(TrainingError, match="cannot be trained"):
        sqlscore.compare(con, architectures=["markov"], horizon="900 days")
    assert con.execute("FROM chart").fetchall() == before


def test_without_a_champion_the_best_by_validation_becomes_it(con: duckdb.DuckDBPyConnection) -> None:
    """The first model that is registered is champion: it had better be that one."""
    visits(con)
    found = sqlscore.compare(con, architectures=["gru", "markov"], churn=False, seeds=2, **TINY)
    info = next(info for info in sqlscore.list_models(con) if info.is_champion)
    assert info.label == found.best_by_validation
    assert len(sqlscore.list_models(con)) == 2  # of two seeds, the better one
    gru, majority = rows_of(found)["gru"], rows_of(found)["majority"]
    assert gru["seeds"] == 2
    assert gru["log_loss_seed_min"] < gru["log_loss"] < gru["log_loss_seed_max"]
    assert gru["accuracy_seed_min"] <= gru["accuracy"] <= gru["accuracy_seed_max"]
    assert gru["churn_auc_seed_min"] is None
    assert majority["log_loss_seed_min"] is None  # there is one of it


def test_the_command_shows_the_spread_of_several_seeds_alone(tmp_path: Path) -> None:
    """One seed's figure says little if another's is far away."""
    path = str(tmp_path / "visits.duckdb")
    with sqlscore.connect(path) as own:
        visits(own)
    asked = ["compare", path, "--architectures", "markov", "--no-register", "--horizon", "5 days"]
    for seeds, expected in (("1", False), ("2", True)):
        shown = CliRunner().invoke(app, [*asked, "--seeds", seeds])
        assert shown.exit_code == 0, shown.output
        assert ("seeds" in shown.stdout) == expected


def test_a_missing_library_is_a_warning_unless_it_was_asked_for(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is optional, but a name that was typed is meant."""
    visits(con)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    monkeypatch.setattr("sqlscore.experiments.contenders.CONTENDERS", ("markov", "gbm"))
    with pytest.warns(UserWarning, match=r"left out: gbm needs LightGBM .*sqlscore\[gbm\]"):
        found = sqlscore.compare(con, register=False, churn=False)
    assert "gbm" not in rows_of(found)
    with pytest.raises(TrainingError, match=r"sqlscore\[gbm\]"):
        sqlscore.compare(con, architectures=["markov", "gbm"])
    assert sqlscore.list_models(con) == []


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"architectures": ["gru", "grue"]}, TrainingError, "no architecture grue: choose among gru, lstm"),
        ({"architectures": []}, TrainingError, "nothing to compare"),
        ({"models": ["events@9"]}, ModelError, "events@9"),
        ({"metric": "recall"}, TrainingError, "choose one of log_loss, accuracy, auc"),
        ({"seeds": 0}, TrainingError, "seeds=0"),
        ({"max_epoch": 3}, TrainingError, "train knows no option max_epoch"),
        ({"register": False, "promote_best": True}, TrainingError, "leave out register=False"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_trained(
    con: duckdb.DuckDBPyConnection, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    """A typing error after an hour of training is an hour lost."""
    visits(con)
    with pytest.raises(error, match=message):
        sqlscore.compare(con, **asked)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb IN ('fit', 'train', 'compare')").fetchall() == [
        (0,)
    ]


def test_no_model_is_judged_at_events_that_its_training_saw(con: duckdb.DuckDBPyConnection) -> None:
    """A model whose validation ended later moves the test part of all."""
    visits(con)
    early = sqlscore.train(con, horizon="9 days", **TINY)
    late = sqlscore.train(con, churn=False, promote=False, **TINY)
    boundary = late.notes["periods"]["t2"]
    assert boundary > early.notes["periods"]["t2"]
    with pytest.warns(UserWarning, match="no churn is compared: no date of the test part is later"):
        found = rows_of(sqlscore.compare(con, models=[early.label, late.label]))
    later = con.execute(
        """SELECT count(*) FROM (SELECT event_time, lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time)
           AS before FROM sqlscore.events) WHERE before IS NOT NULL AND epoch_us(event_time) > ?""",
        [boundary],
    ).fetchall()
    assert found[early.label]["n_test"] == later[0][0]


def test_the_command_prints_a_table_or_json(compared: tuple[Path, Comparison, dict[str, Any]]) -> None:
    """What people read, and what scripts read."""
    path = str(compared[0])
    shown = CliRunner().invoke(app, ["compare", path, "--models", "events@1", "--metric", "auc"])
    assert shown.exit_code == 0, shown.output
    assert "events@1" in shown.stdout
    assert "by churn AUC" in shown.stdout
    assert "events@1 is the champion" in shown.stdout  # so it is not proposed
    assert "sqlscore promote" not in shown.stdout
    with pytest.warns(UserWarning, match="no churn is compared: in the training period"):
        other = CliRunner().invoke(app, ["compare", path, "--models", "events@2"])
    assert f"sqlscore compare {path} --models events@2,events@1" in " ".join(other.stdout.split())  # the champion first
    printed = CliRunner().invoke(app, ["compare", path, "--models", "events@1", "--json"])
    rows = json.loads(printed.stdout)["rows"]
    assert {row["contender"] for row in rows} == {"events@1", "recency", "frequency"} | BASELINES
    assert set(rows[0]) == set(LEADERBOARD_COLUMNS)


def test_draws_are_of_whole_users() -> None:
    """A user's events stand and fall together: an interval over events would be far too narrow."""
    users = np.repeat(np.arange(40), 50)
    value = np.repeat(np.random.default_rng(0).random(40).round(), 50)
    low, high = interval(mean_draws(users, [value], 0)[:, 0])
    narrow_low, narrow_high = interval(mean_draws(np.arange(2_000), [value], 0)[:, 0])
    assert low is not None
    assert high is not None
    assert narrow_low is not None
    assert narrow_high is not None
    assert high - low > 4 * (narrow_high - narrow_low)
    assert high - low == pytest.approx(4 * np.sqrt(0.25 / 40), rel=0.2)


def test_draws_are_paired() -> None:
    """A small but constant difference is no chance, however wide the intervals of both are."""
    users, noise = np.arange(200), np.random.default_rng(1).normal(size=200)
    values = [noise, noise - 0.01, noise + np.random.default_rng(2).normal(size=200) * 0.5]
    draws = mean_draws(users, values, 0)
    ranks, ties = standing([float(value.mean()) for value in values[:2]], draws[:, :2], higher_is_better=False)
    assert (ranks, ties) == ([2, 1], [False, True])
    low, high = interval(draws[:, 0])
    assert low is not None
    assert high is not None
    assert low < float(values[1].mean()) < high
    assert standing([float(v.mean()) for v in (values[0], values[2])], draws[:, [0, 2]], False)[1] == [True, True]


def test_drawn_auc_is_that_of_the_drawn_examples() -> None:
    """Weights in place of copies, with equal scores: as scikit-learn counts them."""
    random = np.random.default_rng(3)
    users = random.integers(0, 30, 200)
    score, labels = random.random(200).round(1), random.random(200) < 0.4
    draws = auc_draws(users, labels, [score], seed=7)[:, 0]
    drawn = np.random.default_rng(7).integers(0, len(np.unique(users)), (1_000, len(np.unique(users))))
    owner = np.unique(users, return_inverse=True)[1]
    for row in (0, 1, 999):
        weight = np.bincount(drawn[row], minlength=len(np.unique(users)))[owner]
        assert draws[row] == pytest.approx(roc_auc_score(labels, score, sample_weight=weight))
