"""Whether to train again: decisions are pure, facts come from the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sqlscore
from sqlscore.database.policy import Policy, read_policy
from sqlscore.errors import MappingError, ServingError
from sqlscore.serving.policy import Facts, is_worse, why_retrain
from sqlscore.serving.retraining import look, reason_to_retrain, retrain

OFF = Policy(None, None, 7.0, 1000, 24.0, 0.01, 5)
positive = st.floats(1e-3, 1e4)
facts = st.builds(
    Facts,
    champion_age_days=st.floats(0, 1e4),
    hours_since_attempt=st.none() | st.floats(0, 1e4),
    new_events=st.booleans(),
    psi=st.dictionaries(st.sampled_from(["action", "gap", "length"]), st.floats(0, 10)),
)
policies = st.builds(
    Policy,
    st.none() | positive,
    st.none() | positive,
    positive,
    st.integers(0, 10_000),
    st.floats(0, 1e4),
    st.none() | st.floats(0, 1),
    st.integers(0, 9),
)


@given(facts)
def test_nothing_is_trained_while_the_policy_is_off(found: Facts):
    """Training is asked for, never assumed."""
    assert why_retrain(OFF, found) is None


@given(policies, facts)
def test_what_is_trained_has_new_events_and_a_pause_behind_it(policy: Policy, found: Facts):
    """The same events again would give the same model; a model that fails would be trained at every run."""
    if why_retrain(policy, found) is not None:
        assert found.new_events
        assert found.hours_since_attempt is None or found.hours_since_attempt >= policy.retrain_pause_hours
        assert (policy.retrain_after_days is not None and found.champion_age_days >= policy.retrain_after_days) or (
            policy.retrain_drift_psi is not None and max(found.psi.values()) >= policy.retrain_drift_psi
        )


@given(policies, facts, st.floats(0, 100))
def test_an_older_champion_is_no_less_likely_to_be_trained_again(policy: Policy, found: Facts, more: float):
    """Age and drift only ever speak for it."""
    if why_retrain(policy, found) is not None:
        older = replace(found, champion_age_days=found.champion_age_days + more)
        assert why_retrain(policy, older) is not None


def test_the_reason_is_said_with_its_limit():
    """It stands in sqlscore.runs, where somebody will ask why."""
    policy = replace(OFF, retrain_after_days=30.0, retrain_drift_psi=0.25)
    assert why_retrain(policy, Facts(31.5, None, True, {})) == "the champion is 31.5 days old (limit 30)"
    drifted = why_retrain(policy, Facts(2.0, None, True, {"gap": 0.1, "action": 0.4}))
    assert drifted == "action has drifted since the training: psi 0.400 (limit 0.25)"


def test_a_worse_model_is_not_promoted():
    """NULL promotes whatever comes; a loss that is no number is worse."""
    assert not is_worse(OFF, 1.009, 1.0)
    assert is_worse(OFF, 1.011, 1.0)
    assert is_worse(OFF, float("nan"), 1.0)
    assert not is_worse(replace(OFF, promote_within=None), 9.0, 1.0)


def test_the_policy_is_off_in_a_new_file_and_set_by_sql(con: duckdb.DuckDBPyConnection):
    """One row holds for all mappings, so that an UPDATE without WHERE does what it says."""
    assert read_policy(con, "events") == OFF
    con.execute("UPDATE sqlscore.policy SET retrain_after_days = 30")
    assert read_policy(con, "whatever").retrain_after_days == 30
    with pytest.raises(duckdb.ConstraintException):
        con.execute("UPDATE sqlscore.policy SET drift_days = -1")
    comments = con.execute(
        "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'policy' AND schema_name = 'sqlscore' "
        "AND comment IS NULL"
    ).fetchall()
    assert comments == [(0,)]


def test_one_mapping_may_have_a_policy_of_its_own(shop: duckdb.DuckDBPyConnection):
    """It starts from the one for all, and leaves that as it is."""
    sqlscore.set_policy(shop, retrain_after_days=30, keep_retrained=2)
    found = sqlscore.set_policy(shop, mapping="events", retrain_drift_psi=0.2)
    assert (found["retrain_after_days"], found["retrain_drift_psi"], found["keep_retrained"]) == (30.0, 0.2, 2)
    assert read_policy(shop, "another") == replace(OFF, retrain_after_days=30.0, keep_retrained=2)
    assert sqlscore.set_policy(shop, mapping="events", retrain_after_days=None)["retrain_after_days"] is None


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"retrain_on_mondays": 1}, ServingError, "no setting retrain_on_mondays: the settings are retrain_after_days"),
        ({"retrain_after_days": -1}, ServingError, "retrain_after_days cannot be -1"),
        ({"retrain_drift_psi": float("inf")}, ServingError, "retrain_drift_psi cannot be inf: pass a number, or None"),
        ({"drift_days": None}, ServingError, "drift_days cannot be None"),
        ({"mapping": "orders", "drift_days": 1}, MappingError, "no events are mapped as"),
    ],
)
def test_a_setting_that_cannot_be_changes_nothing(
    con: duckdb.DuckDBPyConnection, settings: dict[str, Any], error: type[Exception], said: str
):
    """The old policy stays whole."""
    with pytest.raises(error, match=said):
        sqlscore.set_policy(con, **settings)
    assert read_policy(con, "events") == OFF


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a counted model on forty days of sixty users, of whom each looks, looks and buys."""
    path = tmp_path_factory.mktemp("policy") / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS SELECT i % 60 AS "user", TIMESTAMP '2024-01-01' + to_minutes(i * 24) AS ts,
                   (['look', 'look', 'buy'])[1 + (i // 60) % 3] AS what FROM range(2400) t(i)"""
        )
        sqlscore.map_events(con, "clicks", user_id="user", event_time="ts", event_type="what")
        sqlscore.train(con, architecture="markov", max_actions=50)
    return path


@pytest.fixture
def learned(trained: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of it, to change."""
    path = tmp_path / "shop.duckdb"
    path.write_bytes(trained.read_bytes())
    with sqlscore.connect(path) as con:
        sqlscore.set_policy(con, retrain_drift_psi=0.25, drift_min_events=50)
        yield con


MORE = """INSERT INTO clicks SELECT i % 60, (SELECT max(ts) FROM clicks) + to_minutes(1 + i * 24),
    (['look', {}])[1 + (i // 60) % 2] FROM range(600) t(i)"""


def test_the_same_behaviour_is_no_drift_and_another_is(learned: duckdb.DuckDBPyConnection):
    """Nothing new: nothing to learn. The same: no drift. All of a sudden everybody returns what was bought: drift."""
    policy = read_policy(learned, "events")
    assert look(learned, "events", policy).new_events is False
    learned.execute(MORE.format("'look', 'buy'").replace("% 2", "% 3"))
    calm = look(learned, "events", policy)
    assert calm.new_events
    assert calm.psi["action"] < 0.1
    assert reason_to_retrain(learned, mapping="events") is None
    learned.execute(MORE.format("'return'"))
    assert look(learned, "events", policy).psi["action"] > 1
    assert "action has drifted" in (reason_to_retrain(learned, mapping="events") or "")
    sqlscore.set_policy(learned, drift_min_events=100_000)
    assert look(learned, "events", read_policy(learned, "events")).psi == {}


def test_retraining_repeats_the_champions_kind_and_takes_its_place(learned: duckdb.DuckDBPyConnection):
    """Behaviour changed: a model that has seen it is better on the newest events, and the pause begins."""
    for _ in range(5):
        learned.execute(MORE.format("'return'"))
    found = retrain(learned, mapping="events", reason="because")
    assert (found["before"], found["model"], found["promoted"]) == ("events@1", "events@2", True)
    assert found["log_loss"] < found["log_loss_before"]
    models = {model.label: model for model in sqlscore.list_models(learned)}
    assert models["events@2"].is_champion
    assert models["events@2"].architecture == "markov"
    assert look(learned, "events", read_policy(learned, "events")).hours_since_attempt is not None
    assert reason_to_retrain(learned, mapping="events") is None
    row = learned.execute("SELECT status, details FROM sqlscore.runs WHERE verb = 'retrain'").fetchall()
    assert (row[0][0], json.loads(row[0][1])["reason"]) == ("ok", "because")


def test_retrained_models_that_nobody_uses_do_not_pile_up(
    learned: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    """Worse ones stay aside, and only the newest of them are kept; what the user trained is never dropped."""
    monkeypatch.setattr("sqlscore.serving.retraining.is_worse", lambda *_: True)
    sqlscore.set_policy(learned, keep_retrained=1)
    for _ in range(3):
        found = retrain(learned, mapping="events", reason="because")
    assert (found["promoted"], found["dropped"]) == (False, ["events@3"])
    assert {m.label: m.is_champion for m in sqlscore.list_models(learned)} == {"events@1": True, "events@4": False}
