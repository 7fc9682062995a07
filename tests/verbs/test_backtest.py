"""Walking forward: no score sees what comes after its moment, and what came is judged as an independent count does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from tiny_model import tiny_artifact
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.registry import register
from sqlscore.database.scan import scan
from sqlscore.errors import MappingError, ModelError, TrainingError
from sqlscore.verbs.backtest import Backtest

FIRST, SECOND = datetime(2024, 2, 2), datetime(2024, 2, 4)
SCORES = """SELECT * EXCLUDE (scored_at) FROM sqlscore.past_scores ORDER BY as_of, model, user_id"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """71 users and 50 seen once, in six days after the tiny model's training, awkward column names, ties in time."""
    path = tmp_path_factory.mktemp("backtest") / "template.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE visits AS
               SELECT CASE WHEN i % 24 = 0 THEN 'q' || i ELSE 'u' || (i * i * i % 71) END AS "user",
                   TIMESTAMP '2024-02-01' + CASE WHEN i % 24 = 0 THEN to_minutes(i * 5)
                       ELSE to_minutes((i * 17 // 2) * 30 % 8600) END AS "as_of",
                   (['view', 'cart', 'buy', 'odd'])[1 + (i * 7 % 11) % 4] AS "model"
               FROM range(1200) t(i)"""
        )
        sqlscore.map_events(con, "visits", user_id="user", event_time="as_of", event_type="model")
        register(con, tiny_artifact(lookback=86_400.0), name="tiny", mapping="events", champion=True, verb="train")
    return path


@pytest.fixture
def past(template: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of it, open."""
    with sqlscore.connect(shutil.copy(template, tmp_path / "past.duckdb")) as con:
        yield con


def walk(con: duckdb.DuckDBPyConnection, **changes: Any) -> Backtest:
    every_two_days: dict[str, Any] = {"start": FIRST, "end": SECOND, "every": "2 days"}
    return sqlscore.backtest(con, **every_two_days | changes)


def test_scores_of_a_moment_are_what_the_functions_give_over_the_events_up_to_it(
    past: duckdb.DuckDBPyConnection,
) -> None:
    """A walk is the ad-hoc query of each moment, in bulk."""
    walk(past)
    for moment in (FIRST, SECOND):
        differing = past.execute(
            """WITH adhoc AS (
                   SELECT "user" AS user_id, score_events(e, as_of := $moment) AS s
                   FROM (FROM visits WHERE "as_of" <= $moment) e GROUP BY "user")
               SELECT * FROM adhoc t FULL JOIN (FROM sqlscore.past_scores WHERE as_of = $moment) p USING (user_id)
               WHERE t.user_id IS NULL OR p.user_id IS NULL OR p.next_action <> t.s.next_action
                   OR abs(p.churn_risk - t.s.churn_risk) > 1e-6 OR p.n_events <> t.s.n_events
                   OR p.last_event_time <> t.s.last_event_time OR p.model <> 'tiny@1'""",
            {"moment": moment},
        ).fetchall()
        assert differing == []


later_events = st.lists(
    st.tuples(st.integers(0, 70), st.integers(1, 5 * 86_400), st.sampled_from(["view", "buy", "never seen before"])),
    max_size=30,
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(later=later_events)
def test_events_after_a_moment_change_nothing_of_its_scores(
    past: duckdb.DuckDBPyConnection, later: list[tuple[int, int, str]]
) -> None:
    """The whole point of a backtest: baselines too know the past alone."""
    rows = [(f"u{user}", SECOND + timedelta(seconds=after), action) for user, after, action in later]
    # walked one moment at a time: another future must leave both as they were
    past.execute('DELETE FROM visits WHERE "as_of" > ? AND "user" <> \'u0\'', [SECOND])
    past.execute("INSERT INTO visits VALUES ('u0', ?, 'view')", [SECOND + timedelta(days=6)])
    walk(past)
    before = past.execute(SCORES).fetchall()
    if rows:
        past.executemany("INSERT INTO visits VALUES (?, ?, ?)", rows)
    walk(past)
    assert past.execute(SCORES).fetchall() == before
    assert before


def test_a_model_that_is_trained_at_each_moment_knows_its_past_alone(past: duckdb.DuckDBPyConnection) -> None:
    """Not even how many events follow: it could choose what is sampled."""
    walk(past, retrain=True, architecture="markov")
    before = past.execute(SCORES).fetchall()
    past.execute('UPDATE visits SET "model" = \'buy\' WHERE "as_of" > ?', [SECOND])
    past.execute("INSERT INTO visits SELECT 'u1', ? + to_seconds(i), 'cart' FROM range(1, 1000) t(i)", [SECOND])
    found = walk(past, retrain=True, architecture="markov")
    assert past.execute(SCORES).fetchall() == before
    assert found.model == "markov, retrained"
    assert [period["trained_after"] for period in found.periods] == [False, False]
    assert [model.label for model in sqlscore.list_models(past)] == ["tiny@1"]


def test_the_figures_are_those_of_an_independent_count(past: duckdb.DuckDBPyConnection) -> None:
    """Outcomes, shares and areas computed from the raw events with pandas and scikit-learn."""
    periods = walk(past).periods
    events = (
        past.execute('SELECT "user" AS u, "as_of" AS t, "model" AS a FROM visits').df().sort_values(["u", "t", "a"])
    )
    scores = past.execute("FROM sqlscore.past_scores").df()
    assert len(periods) == 2
    assert sum(period["n_labelled"] for period in periods) < len(scores)  # some were not seen within the lookback
    for period in periods:
        moment = pd.Timestamp(period["as_of"])
        kept = scores[scores["as_of"] == moment].set_index("user_id")
        coming = events[events["t"] > moment].groupby("u").first()
        before = events[events["t"] <= moment]
        follower = before.assign(following=before.groupby("u")["a"].shift(-1)).dropna()
        counts = follower.groupby(["a", "following"]).size()
        most = {a: min((-n, f) for (b, f), n in counts.items() if b == a)[1] for a in before["a"].unique()}
        acted = kept.join(coming, how="inner")
        assert period["n_users"] == len(kept)
        assert period["n_acted"] == len(acted)
        assert period["accuracy"] == pytest.approx((acted["next_action"] == acted["a"]).mean())
        assert period["repeat_accuracy"] == pytest.approx((acted["last_action"] == acted["a"]).mean())
        assert period["markov_accuracy"] == pytest.approx((acted["last_action"].map(most) == acted["a"]).mean())
        usual = follower.groupby("following").size().sort_index().idxmax()
        assert period["majority_accuracy"] == pytest.approx((acted["a"] == usual).mean())
        seen = kept[kept["last_event_time"] > moment - timedelta(days=1)]
        returned = coming[coming["t"] <= moment + timedelta(days=1)].index
        churned = ~seen.index.isin(returned)
        assert period["n_labelled"] == len(seen)
        assert period["churn_rate"] == pytest.approx(churned.mean())
        assert period["auc"] == pytest.approx(roc_auc_score(churned, seen["churn_risk"]))
        silence = (moment - seen["last_event_time"]).dt.total_seconds()
        assert period["recency_auc"] == pytest.approx(roc_auc_score(churned, silence))
        assert period["frequency_auc"] == pytest.approx(roc_auc_score(churned, -seen["n_events"]))
        assert period["brier"] == pytest.approx(brier_score_loss(churned, seen["churn_risk"]))


def test_users_whose_horizon_is_not_over_are_counted_and_not_judged(past: duckdb.DuckDBPyConnection) -> None:
    """Those of them who are back already would make churn look rare."""
    found = walk(past, horizon="5 days", end=FIRST)
    assert found.periods[0]["n_labelled"] == 0
    assert found.periods[0]["n_censored"] > 0
    assert found.periods[0]["auc"] is None
    assert "no moment has a full churn horizon behind it" in found.warnings[0]
    outcomes = "SELECT count(churned), count(actual_action) > 0 FROM sqlscore.judged_past_scores"
    assert past.execute(outcomes).fetchall() == [(0, True)]


def test_a_model_is_not_judged_by_what_it_has_seen_unless_that_is_marked(past: duckdb.DuckDBPyConnection) -> None:
    """The part that stopped and calibrated the training has been seen as well as the one that taught."""
    periods = {"t1": 0, "t2": int(datetime(2024, 2, 3).timestamp() * 1e6)}
    register(past, tiny_artifact(notes={"periods": periods}), name="new", mapping="events", champion=True, verb="train")
    with pytest.raises(ModelError, match=r"up to 2024-02-03.* at 1 of 2 moments, from 2024-02-02.*include_seen=True"):
        walk(past)
    found = walk(past, include_seen=True)
    assert [period["trained_after"] for period in found.periods] == [True, False]
    assert "marked as trained_after" in found.warnings[0]
    assert [period["as_of"] for period in walk(past, start=None).periods] == [datetime(2024, 2, 3)]


def test_walking_again_takes_the_place_of_the_walk_before(past: duckdb.DuckDBPyConnection) -> None:
    """Twice the same rows would count every user twice."""
    walk(past)
    once = past.execute(SCORES).fetchall()
    walk(past)
    assert past.execute(SCORES).fetchall() == once


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"start": "2030-01-01"}, MappingError, "no moment from 2030-01-01 00:00:00"),
        ({"start": "soon"}, MappingError, "start 'soon' is not a time"),
        ({"every": "1 second"}, MappingError, "172,801 moments"),
        ({"retrain": True, "start": None}, MappingError, "retraining needs a start"),
        ({"retrain": True, "model": "tiny@1"}, ModelError, "exclude each other"),
        ({"max_epochs": 3}, ModelError, "max_epochs: options of training, which need retrain=True"),
        (
            {"retrain": True, "start": "2024-02-01 01:00"},
            TrainingError,
            "events up to 2024-02-01 01:00:00.*start later",
        ),
    ],
)
def test_what_cannot_be_walked_is_said(
    past: duckdb.DuckDBPyConnection, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Before anything is written."""
    with pytest.raises(error, match=message):
        walk(past, **changes)
    assert past.execute("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(0,)]


def test_an_error_in_the_middle_of_a_scan_is_the_one_that_is_shown(
    past: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback is refused while a scan is open, and that refusal must not hide what went wrong."""
    past.execute("INSERT INTO visits SELECT 'v' || i % 900, TIMESTAMP '2024-02-01', 'view' FROM range(20_000) t(i)")
    monkeypatch.setattr("sqlscore.experiments.walk.scan", partial(scan, events_per_batch=2_048))

    def fail(*_: object) -> None:
        raise RuntimeError("the true error")

    monkeypatch.setattr("sqlscore.score_tables.rows.score_rows", fail)
    with pytest.raises(RuntimeError, match="the true error"):
        walk(past, threads=1)
    run = past.execute("SELECT status, message FROM sqlscore.runs WHERE verb = 'backtest'").fetchall()
    assert run == [("failed", "RuntimeError: the true error")]
    assert past.execute("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(0,)]


def test_scores_that_a_refresh_keeps_are_judged_by_events_that_come_later(shop: duckdb.DuckDBPyConnection) -> None:
    """Yesterday's predictions, today's events."""
    sqlscore.refresh(shop, keep_history=True)
    sqlscore.refresh(shop, keep_history=True)  # at the same moment: no second copy
    assert shop.execute("SELECT count(*), count(actual_action) FROM sqlscore.judged_past_scores").fetchall() == [
        (40, 0)
    ]
    shop.execute("INSERT INTO clicks VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1)")
    sqlscore.refresh(shop)
    kept = shop.execute(
        """SELECT user_id, as_of, actual_action, churned, censored FROM sqlscore.judged_past_scores
           WHERE user_id = 3 OR user_id = 4 ORDER BY user_id"""
    ).fetchall()
    moment = datetime(2024, 1, 1, 4)
    assert kept == [(3, moment, "buy", True, False), (4, moment, None, True, False)]  # back after 44 hours, horizon 24
    assert shop.execute("SELECT n_labelled, trained_after FROM sqlscore.backtest_metrics").fetchall() == [(40, True)]


def test_a_forgotten_user_leaves_the_past_too(past: duckdb.DuckDBPyConnection) -> None:
    """Erasure covers every table with a row a user."""
    walk(past)
    assert sqlscore.forget_user(past, "u1")["past_scores"] == 2
    assert past.execute("SELECT count(*) FROM sqlscore.past_scores WHERE user_id = 'u1'").fetchall() == [(0,)]


def test_a_second_mapping_keeps_scores_of_its_own(past: duckdb.DuckDBPyConnection) -> None:
    """Each mapping's users are its own."""
    sqlscore.map_events(past, "visits", user_id="user", event_time="as_of", event_type="model", name="other")
    register(past, tiny_artifact(), name="other", mapping="other", champion=True, verb="train")
    found = walk(past, mapping="other")
    assert found.model == "other@1"
    assert past.execute("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(0,)]
    assert past.execute("SELECT DISTINCT model FROM sqlscore_other.past_scores").fetchall() == [("other@1",)]


def test_the_command_shows_each_moment_beside_the_baselines(template: Path, tmp_path: Path) -> None:
    """What an analyst reads."""
    file = shutil.copy(template, tmp_path)
    arguments = ["backtest", str(file), "--from", "2024-02-02", "--to", "2024-02-03", "--every", "1 day"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "2024-02-03" in result.stdout
    assert re.search(r"Next action: accuracy is above every baseline's at \d of 2 moments", result.stdout)
    assert re.search(r"Churn: AUC is above every baseline's at \d of \d moments", result.stdout)
    asked = CliRunner().invoke(app, [*arguments, "--json"])
    periods = json.loads(asked.stdout)["periods"]
    assert [period["as_of"][:10] for period in periods] == ["2024-02-02", "2024-02-03"]
