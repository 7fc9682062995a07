"""Explanations of real models: every architecture, attention, and what was planted in the simulated shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import duckdb
import numpy as np
import pytest
import torch
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.arrays import Floats, Ints
from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.events.inputs import Inputs
from sqlscore.events.reading import from_lists
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.stored import to_weights
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.explanation.attribution import attribute
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.manifest import Manifest, pack
from sqlscore.scoring.module import capabilities_of
from sqlscore.scoring.states import States
from sqlscore.simulation.shop import CHURN_DRIVERS, simulate_shop
from sqlscore.udfs.attend import ATTENTIVE

ACTIONS = ("view", "cart", "buy")


def of_random_weights(architecture: str) -> bytes:
    """A small model of this architecture, exported."""
    torch.manual_seed(3)
    config = ModelConfig(architecture=architecture, embedding=8, hidden=16, width=16)
    inputs = Inputs(ACTIONS)
    family = ARCHITECTURES[architecture]
    model: Any = family.build(config, inputs)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    heads = ("next_action", "time_to_next") if family.counted else ("next_action", "time_to_next", "churn")
    manifest = Manifest(
        architecture=architecture, config=asdict(config), inputs=inputs, heads=heads,
        capabilities=capabilities_of(model), state_size=model.state_size,
        embedding_size=model.embedding_size if family.counted else config.width, fold=family.fold,
        max_events=family.max_events, horizon_seconds=86_400.0, lookback_seconds=None,
        trained_from="2024-01-01", trained_to="2024-02-01",
    )  # fmt: skip
    return pack(to_weights(model), manifest)


@pytest.fixture(scope="module")
def models() -> Iterator[duckdb.DuckDBPyConnection]:
    """Users with 1 to 300 events, and a model of each architecture."""
    con = sqlscore.connect()
    con.execute(
        """CREATE TABLE events AS
           SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_minutes((hash(u, i) % 40000)::INT) AS event_time,
                  (['view', 'cart', 'buy', 'nap'])[1 + (hash(i, u) % 4)::INT] AS event_type
           FROM (VALUES (1), (4), (12), (40), (300)) t(u), range(300) r(i) WHERE i < u"""
    )
    sqlscore.map_events(con, "events")
    for architecture in ARCHITECTURES:
        register(
            con, of_random_weights(architecture), name=architecture, mapping="events", champion=False, verb="train"
        )
    yield con
    con.close()


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_weights_are_complete_for_every_architecture(models: duckdb.DuckDBPyConnection, architecture: str) -> None:
    """The method asks for scores alone, so a new architecture is explained like the others."""
    query = f"""SELECT s - 1 / 3, list_sum(list_transform(w, lambda x: x.weight)), w[1].weight
                FROM (SELECT predict_next_actions(e, k := 1, model := '{architecture}')[1].probability AS s,
                             explain_next_action(e, k := NULL, model := '{architecture}') AS w
                      FROM (FROM events WHERE user_id < 300) e GROUP BY user_id)"""
    rows = models.execute(query).fetchall()
    assert len(rows) == 4
    for difference, total, largest in rows:
        assert total == pytest.approx(difference, abs=1e-4)
        assert np.isfinite(largest)


@pytest.mark.parametrize("architecture", sorted(name for name, family in ARCHITECTURES.items() if family.fold))
def test_shared_beginnings_change_no_weight(models: duckdb.DuckDBPyConnection, architecture: str) -> None:
    """A fold goes on from the states of shorter subsets; the same model that may not encodes each subset whole."""
    fold = catalog(models).artifact(architecture, "events")
    whole = Artifact(fold.name, fold.sha256, replace(fold.manifest, fold=False), fold.module, fold.device)
    query = "SELECT list(e) AS e FROM events e WHERE user_id IN (4, 40) GROUP BY user_id ORDER BY 1"
    lists = models.sql(query).to_arrow_table()
    sequences = from_lists(lists["e"].combine_chunks(), catalog(models).mapping("events"))
    batch, none = fold.batch(sequences), np.zeros(len(sequences))

    def value(states: States, row: Ints) -> Floats:
        """Probabilities, the clock, which tells when the events began and ended, and how many there are."""
        first = action_probabilities(fold, states.hidden)[:, 0].astype(np.float64)
        return first + (states.clock[:, 1] % 997 + states.clock[:, 0] % 991) * 1e-3 + row + states.n_events**2 * 0.01

    with_shared, one_by_one = (attribute(artifact, batch, none, none, value) for artifact in (fold, whole))
    assert np.abs(one_by_one.weights).max() > 0.01
    np.testing.assert_allclose(with_shared.weights, one_by_one.weights, atol=1e-5)


@pytest.mark.parametrize("architecture", ATTENTIVE)
def test_attention_is_read_in_time_order_and_sums_to_one(models: duckdb.DuckDBPyConnection, architecture: str) -> None:
    """Over the events that the model reads: of 300, the newest 256."""
    rows = models.execute(
        f"""SELECT user_id, attend_events(e, model := '{architecture}'),
                   list_attend_events(list(e), model := '{architecture}')
            FROM events e GROUP BY user_id ORDER BY user_id"""
    ).fetchall()
    for user, attended, of_list in rows:
        assert attended == of_list
        assert len(attended) == min(user, 256)
        times = [w["event_time"] for w in attended]
        assert times == sorted(times)
        weights = [w["weight"] for w in attended]
        assert min(weights) >= 0
        assert sum(weights) == pytest.approx(1, abs=1e-5)


def test_the_architectures_with_attention_are_those_that_are_named() -> None:
    """The error that names them would otherwise grow old."""
    has = {
        name
        for name, family in ARCHITECTURES.items()
        if hasattr(family.build(ModelConfig(architecture=name), Inputs(ACTIONS)), "attention")
    }
    assert set(ATTENTIVE) == has


def test_a_model_without_attention_names_a_registered_one_that_has_it(models: duckdb.DuckDBPyConnection) -> None:
    """The way out is in the message."""
    with pytest.raises(duckdb.Error, match="gru@1 .gru. has no attention.*model := '(transformer|attention_rnn)@1'"):
        models.execute("SELECT list_attend_events(['view'], model := 'gru')").fetchall()


def test_attention_between_actions_is_a_view(con: duckdb.DuckDBPyConnection) -> None:
    """Plain SQL over the manifest; without a graph model it is empty, not an error."""
    assert con.execute("FROM sqlscore.action_attention").fetchall() == []
    register(con, tiny_artifact(), name="plain", mapping="events", champion=False, verb="train")
    edges = [
        {"action": "buy", "from": "it's a cart", "weight": 0.75},
        {"action": "buy", "from": "buy", "weight": 0.25},
    ]
    data = tiny_artifact(notes={"action_attention": edges})
    register(con, data, name="graph", mapping="events", champion=True, verb="train")
    rows = con.execute(
        "SELECT model, is_champion, from_action, action, weight FROM sqlscore.action_attention ORDER BY weight DESC"
    ).fetchall()
    assert rows == [("graph@1", True, "it's a cart", "buy", 0.75), ("graph@1", True, "buy", "buy", 0.25)]


@pytest.fixture(scope="module")
def shop_reasons() -> Iterator[duckdb.DuckDBPyConnection]:
    """A simulated shop, a model trained on it, and why its customers who are at risk are."""
    con = sqlscore.connect()
    con.from_arrow(simulate_shop(users=600, seed=5).events).create("events")
    sqlscore.map_events(con, "events")
    sqlscore.train(con, max_epochs=2, embedding=16, hidden=24, width=24)
    con.execute(
        """CREATE TABLE reasons AS SELECT user_id, risk, unnest(w, recursive := true) FROM (
             SELECT user_id, churn_risk(e) AS risk, explain_churn_risk(e, k := NULL) AS w FROM events e
             GROUP BY user_id HAVING count(*) <= 25 ORDER BY hash(user_id) LIMIT 300)"""
    )
    yield con
    con.close()


@pytest.mark.slow
def test_planted_churn_drivers_are_named_far_more_often_than_chance(shop_reasons: duckdb.DuckDBPyConnection) -> None:
    """The simulation's truth: failed payments and support tickets are what drives customers away."""
    named, chance, users = shop_reasons.execute(
        """SELECT avg((top IN $drivers)::INT), avg(share), count(*) FROM (
             SELECT user_id, arg_max(action, weight) AS top, avg((action IN $drivers)::INT) AS share
             FROM reasons WHERE risk > 0.6 AND action NOT LIKE '(%' GROUP BY user_id HAVING share > 0)""",
        {"drivers": list(CHURN_DRIVERS)},
    ).fetchall()[0]
    assert users > 20
    assert named > 2.5 * chance
    assert named > 0.5


@pytest.mark.slow
def test_the_score_falls_without_what_the_explanation_names(shop_reasons: duckdb.DuckDBPyConnection) -> None:
    """Faithfulness: without the two events that raise it most the risk falls more than without any two."""
    without = """SELECT avg(risk - list_churn_risk(kept, as_of := last_time)) FROM (
        SELECT max(event_time) AS last_time, churn_risk(e, as_of := max(event_time)) AS risk,
               list_filter(list(e), lambda x: NOT list_contains(any_value(r.times), x.event_time)) AS kept
        FROM events e JOIN (
            SELECT user_id, list(event_time ORDER BY {order})[:2] AS times FROM reasons
            WHERE action NOT LIKE '(%' GROUP BY user_id HAVING count(*) > 4) r USING (user_id)
        GROUP BY user_id)"""
    named = shop_reasons.execute(without.format(order="weight DESC")).fetchall()[0][0]
    random = shop_reasons.execute(without.format(order="hash(event_time)")).fetchall()[0][0]
    assert named > random + 0.03


@pytest.mark.slow
def test_a_failed_payment_counts_against_and_a_subscription_for_a_customer(
    shop_reasons: duckdb.DuckDBPyConnection,
) -> None:
    """The direction of the weights is that of the planted hazards."""
    mean = dict(shop_reasons.execute("SELECT action, avg(weight) FROM reasons GROUP BY action").fetchall())
    assert mean["payment_failed"] > mean["view"] + 0.02
    assert mean["subscribe"] < mean["payment_failed"]
