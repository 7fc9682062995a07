"""Training from a table: what comes out, what it must not have seen, and what cannot be trained."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
import torch

import sqlscore
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.models.loading import load_judged
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.manifest import sha256_of
from sqlscore.training.evaluation.evaluate import evaluate
from sqlscore.training.fit import fit
from sqlscore.training.options import TrainedModel, TrainingOptions

MAPPING = Mapping(
    "events", "visits", "who", "at", "did", (Feature("price", "numeric"), Feature("brand", "categorical"))
)
QUICK = TrainingOptions(max_epochs=2, embedding=8, hidden=16, width=16)
CYCLE = "['view', 'cart', 'buy', 'leave'][1 + (i // 200 + i % 200) % 4]"


@pytest.fixture
def visits(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return make_visits(con)


@pytest.fixture(scope="module")
def quick() -> TrainedModel:
    """QUICK over `visits`, which several tests change or train again."""
    with duckdb.connect() as con:
        return fit(make_visits(con), MAPPING, QUICK)


def make_visits(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """200 users who view, cart, buy and leave in turn; the later half of them stops coming on some day."""
    con.execute(
        f"""CREATE TABLE visits AS
            SELECT i % 200 AS who, {CYCLE} AS did, TIMESTAMP '2024-01-01' + to_hours(i // 200 * 24 + i % 23) AS at,
                   (i % 7) * 1.5 AS price, ['acme', 'bolt', NULL][1 + i % 3] AS brand
            FROM range(200 * 60) t(i)
            WHERE i % 200 < 100 OR i // 200 < 5 + hash(i % 200) % 60"""
    )
    return con


def loaded(trained: TrainedModel) -> Artifact:
    """The model as it was when it was judged."""
    return load_judged(trained.artifact, sha256_of(trained.artifact), "visits@1")


def weights(trained: TrainedModel, without: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    module: Any = loaded(trained).module
    state: dict[str, torch.Tensor] = module.state_dict()
    return {name: value for name, value in state.items() if not name.startswith(without)}


def test_one_pass_trains_every_head(visits: duckdb.DuckDBPyConnection) -> None:
    """The artifact loads, and says what it can do, on what it was trained, and how well it does it."""
    trained = fit(visits, MAPPING, TrainingOptions(max_epochs=4))
    manifest = trained.manifest
    assert manifest.heads == ("next_action", "time_to_next", "churn")
    assert set(manifest.inputs.actions) == {"view", "cart", "buy", "leave"}
    assert manifest.inputs.numeric == ("price",)
    assert set(manifest.inputs.categorical["brand"]) == {"acme", "bolt"}
    assert manifest.horizon_seconds is not None
    assert manifest.fold
    assert loaded(trained).manifest.metrics == manifest.metrics
    assert manifest.metrics["next_action"]["accuracy"] > 0.95
    assert manifest.metrics["next_action"]["baselines"]["majority"]["accuracy"] < 0.5
    assert manifest.metrics["churn"]["n"] > 0
    assert manifest.metrics["churn"]["censored"] > 0
    assert trained.report["parameters"] > 1000


def test_evaluate_returns_what_training_noted(visits: duckdb.DuckDBPyConnection, quick: TrainedModel) -> None:
    """The same test part, through the exported module: eager = scripted."""
    found = evaluate(visits, MAPPING, loaded(quick))
    assert found.pop("model") == "visits@1"
    assert flat(found) == pytest.approx(flat(quick.manifest.metrics), rel=1e-5, abs=1e-6)


def flat(metrics: Any, path: str = "") -> dict[str, float]:
    if isinstance(metrics, dict):
        return {name: value for key in metrics for name, value in flat(metrics[key], f"{path}/{key}").items()}
    return {path: metrics} if isinstance(metrics, int | float) else {}


def test_same_seed_same_artifact_other_seed_another(visits: duckdb.DuckDBPyConnection, quick: TrainedModel) -> None:
    """A run can be repeated to the byte, in another database too."""
    assert sha256_of(fit(visits, MAPPING, QUICK).artifact) == sha256_of(quick.artifact)
    other = fit(visits, MAPPING, TrainingOptions(max_epochs=2, embedding=8, hidden=16, width=16, seed=1))
    assert sha256_of(other.artifact) != sha256_of(quick.artifact)


def test_training_leaves_the_process_as_it_was(visits: duckdb.DuckDBPyConnection) -> None:
    """Random numbers and threads belong to the caller."""
    torch.manual_seed(5)
    expected, threads = torch.rand(1), torch.get_num_threads()
    torch.manual_seed(5)
    torch.set_num_threads(3)
    try:
        fit(visits, MAPPING, QUICK)
        assert torch.equal(torch.rand(1), expected)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_weights_do_not_depend_on_anything_after_the_training_part(visits: duckdb.DuckDBPyConnection) -> None:
    """Without the last stage, and with one epoch to stop early at, only calibration may see the validation part."""
    options = TrainingOptions(max_epochs=1, embedding=8, hidden=16, width=16, refit=False, recency=0.0)
    before = fit(visits, MAPPING, options)
    t1 = before.manifest.notes["periods"]["t1"]
    visits.execute("UPDATE visits SET did = 'surprise', price = -5, brand = 'new' WHERE epoch_us(\"at\") > ?", [t1])
    after = fit(visits, MAPPING, options)
    assert after.manifest.inputs == before.manifest.inputs
    # the churn head's penalty is chosen on validation, by when users come back: times have not changed
    calibration = ("heads.temperature", "heads.churn", "heads.platt", "heads.gaps.shift", "counts.")
    first, second = weights(before, calibration), weights(after, calibration)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert before.manifest.metrics["next_action"]["accuracy"] > after.manifest.metrics["next_action"]["accuracy"]


def test_the_module_does_not_depend_on_the_test_part(visits: duckdb.DuckDBPyConnection, quick: TrainedModel) -> None:
    """Neither training, nor early stopping, nor calibration sees it."""
    t2 = quick.manifest.notes["periods"]["t2"]
    visits.execute("UPDATE visits SET did = 'surprise', price = 1e9 WHERE epoch_us(\"at\") > ?", [t2])
    after = fit(visits, MAPPING, QUICK)
    first, second = weights(quick), weights(after)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_actions_of_the_test_part_that_training_never_saw_count_as_missed(
    visits: duckdb.DuckDBPyConnection, quick: TrainedModel
) -> None:
    """They are unknown, never an error, and never left out of the accuracy."""
    t2 = quick.manifest.notes["periods"]["t2"]
    visits.execute("UPDATE visits SET did = 'brand new' WHERE epoch_us(\"at\") > ?", [t2])
    found = evaluate(visits, MAPPING, loaded(quick))["next_action"]
    assert found["accuracy"] == 0.0
    assert found["unknown_actions"] == found["n"] > 0
    assert found["log_loss"] is None


@pytest.mark.slow
def test_plain_lists_without_times_are_understood(visits: duckdb.DuckDBPyConnection) -> None:
    """Some training sequences are shown without times, so that a list of actions alone can be scored."""
    import pyarrow as pa

    from sqlscore.events.mapping import NO_TIME
    from sqlscore.events.sequences import Sequences

    artifact = loaded(fit(visits, MAPPING, TrainingOptions(max_epochs=8)))
    actions = pa.array(["view", "cart", "buy", "leave", "view"])
    columns = {"price": pa.array([None] * 5, pa.float64()), "brand": pa.array([None] * 5, pa.string())}
    states = artifact.encode(Sequences(actions, np.full(5, NO_TIME), np.array([0, 5]), columns))
    assert artifact.manifest.inputs.actions[int(action_probabilities(artifact, states.hidden).argmax())] == "cart"


def test_users_are_sampled_whole_above_the_event_budget(visits: duckdb.DuckDBPyConnection) -> None:
    """Memory is bounded, and what was left out is said; evaluation takes the same users."""
    trained = fit(visits, MAPPING, TrainingOptions(max_epochs=1, max_events=4_000, churn=False))
    sample = trained.manifest.notes["sample"]
    assert 0 < sample["users"] < 200
    assert sample["share_of_users"] < 10_000
    found = evaluate(visits, MAPPING, loaded(trained))
    assert found["next_action"]["n"] == trained.manifest.metrics["next_action"]["n"]


def test_very_long_users_are_cut_to_their_newest_events_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    """One robot must not be the training set."""
    con.execute(
        f"""CREATE TABLE visits AS SELECT CASE WHEN i < 3000 THEN 0 ELSE i END // 10 AS who, {CYCLE} AS did,
            TIMESTAMP '2024-01-01' + to_minutes(i) AS at FROM range(6000) t(i)"""
    )
    mapping = Mapping("events", "visits", "who", "at", "did")
    trained = fit(con, mapping, TrainingOptions(max_epochs=1, max_user_events=500, max_sequence=100))
    assert trained.manifest.notes["sample"]["users_cut"] == 1
    assert trained.manifest.notes["sample"]["events"] == 3_500


def test_progress_is_told_stage_by_stage(visits: duckdb.DuckDBPyConnection) -> None:
    """The command line draws bars from it."""
    told: list[Any] = []

    class Recorder:
        def start(self, description: str, total: float | None) -> None:
            told.append([description, total, 0.0])

        def advance(self, amount: float) -> None:
            told[-1][2] += amount

        def finish(self) -> None:
            told[-1].append("done")

    fit(visits, MAPPING, QUICK, Recorder())
    assert [stage[0] for stage in told] == [
        "Reading events", "Training", "Training on the newest", "Evaluating", "Training on the newest"
    ]  # fmt: skip
    assert all(stage[3] == "done" and stage[2] > 0 for stage in told)
    assert told[0][1] == told[0][2]


def test_an_unknown_architecture_is_refused_with_the_known_ones(visits: duckdb.DuckDBPyConnection) -> None:
    """A typing error should not cost a training run."""
    with pytest.raises(TrainingError, match='"gruu".*gru'):
        fit(visits, MAPPING, TrainingOptions(architecture="gruu"))


def test_a_horizon_that_was_asked_for_is_used(visits: duckdb.DuckDBPyConnection) -> None:
    """And the lookback with it."""
    trained = fit(visits, MAPPING, TrainingOptions(max_epochs=1, horizon=5 * 86_400.0, lookback=8 * 86_400.0))
    assert trained.manifest.horizon_seconds == 5 * 86_400
    assert trained.manifest.lookback_seconds == 8 * 86_400


def test_everyone_ever_seen_counts_with_an_unlimited_lookback(visits: duckdb.DuckDBPyConnection) -> None:
    """More users are at risk than with a short one."""
    short, unlimited = (
        fit(visits, MAPPING, TrainingOptions(max_epochs=1, horizon=5 * 86_400.0, lookback=lookback)).manifest
        for lookback in (6 * 86_400.0, float("inf"))
    )
    assert unlimited.lookback_seconds is None
    assert unlimited.metrics["churn"]["n"] > short.metrics["churn"]["n"]


START = "TIMESTAMP '2024-01-01'"
UNTRAINABLE = {
    "no events": (f"SELECT 1 AS who, {START} AS at, 'a' AS did WHERE false", "no event"),
    "one event each": (f"SELECT i AS who, {START} + to_minutes(i) AS at, 'a' AS did FROM range(300) t(i)", "too few"),
    "one instant": (f"SELECT i % 9 AS who, {START} AS at, 'a' AS did FROM range(300) t(i)", "same event_time"),
    "a handful": (f"SELECT 1 AS who, {START} + to_minutes(i) AS at, 'a' AS did FROM range(5) t(i)", "too few"),
}


@pytest.mark.parametrize("case", UNTRAINABLE)
def test_what_cannot_be_trained_is_refused_with_a_remedy(con: duckdb.DuckDBPyConnection, case: str) -> None:
    """Never a model of nothing, never a traceback from the depths."""
    query, message = UNTRAINABLE[case]
    con.execute(f"CREATE TABLE visits AS {query}")
    with pytest.raises(TrainingError, match=message):
        fit(con, Mapping("events", "visits", "who", "at", "did"), QUICK)


TRAINABLE = {
    "one user": f"SELECT 1 AS who, {START} + to_minutes(i * i) AS at, 'a' || i % 3 AS did FROM range(300) t(i)",
    "one action": f"SELECT i % 50 AS who, {START} + to_hours(i) AS at, 'a' AS did FROM range(1000) t(i)",
    "days": f"""SELECT i % 50 AS who, ({START} + to_days(i // 200))::DATE AS at, 'a' || i % 3 AS did
                FROM range(4000) t(i)""",
    "two days": f"SELECT i % 50 AS who, ({START} + to_days(i // 500))::DATE AS at, 'a' AS did FROM range(1000) t(i)",
    "long ago": "SELECT i % 50 AS who, TIMESTAMP '0800-01-01' + to_hours(i) AS at, 'a' AS did FROM range(1000) t(i)",
    "one far future": f"""SELECT i % 50 AS who, IF(i = 7, TIMESTAMP '290000-01-01', {START} + to_hours(i)) AS at,
                          'a' || i % 3 AS did FROM range(1000) t(i)""",
}


@pytest.mark.parametrize("case", TRAINABLE)
@pytest.mark.slow
def test_odd_data_that_can_be_trained_is(con: duckdb.DuckDBPyConnection, case: str) -> None:
    """Finite weights, and figures or None, whatever the table looks like."""
    con.execute(f"CREATE TABLE visits AS {TRAINABLE[case]}")
    trained = fit(con, Mapping("events", "visits", "who", "at", "did"), QUICK)
    assert all(bool(torch.isfinite(value).all()) for value in weights(trained).values() if value.is_floating_point())
    assert "churn" in trained.manifest.heads or trained.manifest.notes["no_churn"]
    assert trained.manifest.metrics["verdict"]


@pytest.mark.slow
def test_ten_thousand_actions_train(con: duckdb.DuckDBPyConnection) -> None:
    """Product ids as actions: the cost per step is bounded by sampling targets."""
    con.execute(
        f"""CREATE TABLE visits AS SELECT i // 10 AS who, {START} + to_seconds(i * 7) AS at,
            'product ' || i * 7919 % 10000 AS did FROM range(12000) t(i)"""
    )
    options = TrainingOptions(max_epochs=1, embedding=8, hidden=16, width=16)
    trained = fit(con, Mapping("events", "visits", "who", "at", "did"), options)
    assert 8_000 < len(trained.manifest.inputs.actions) <= 10_000
    assert trained.manifest.metrics["next_action"]["n"] > 1_000


def test_a_stored_model_reads_its_categories_as_in_training(con: duckdb.DuckDBPyConnection) -> None:
    """Of two columns of categories, mapped against the alphabet, the first tells the next action, the other nothing."""
    con.execute(
        """CREATE TABLE e AS WITH steps AS (
             SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_hours(24 * i + u % 24) AS event_time,
                 ['p', 'q'][1 + (md5_number_lower(concat(u, ':', i)) % 2)::INTEGER] AS event_type,
                 ['m', 'n'][1 + (md5_number_lower(concat(i, ';', u)) % 2)::INTEGER] AS accident
             FROM range(200) t(u), range(30) s(i))
           SELECT *, lead(event_type, 1, 'p') OVER (PARTITION BY user_id ORDER BY event_time) AS signal FROM steps"""
    )
    sqlscore.map_events(con, "e", features=["signal", "accident"])
    sqlscore.train(con, churn=False, max_epochs=4, embedding=8, hidden=16, width=16)
    hits = con.execute(
        """SELECT avg((next = signal)::INTEGER)
           FROM (SELECT any_value(signal ORDER BY event_time DESC) AS signal, predict_next_action(e) AS next
                 FROM (FROM e QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY event_time DESC) > 1) e
                 GROUP BY user_id)"""
    ).fetchall()
    assert hits[0][0] > 0.95


def test_a_champion_that_does_not_read_a_column_mapped_later_is_named() -> None:
    """By the mapping and by status, until a training reads it."""
    with sqlscore.connect() as con:
        con.execute(
            """CREATE TABLE e AS SELECT i % 40 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i) AS event_time,
                   ['a', 'b'][1 + (i * i) % 2] AS event_type, i % 7 AS price FROM range(1200) t(i)"""
        )
        sqlscore.map_events(con, "e")
        sqlscore.train(con, architecture="markov")
        assert not any("without" in warning for warning in sqlscore.map_events(con, "e").warnings)
        report = sqlscore.map_events(con, "e", features=["price"], force=True)
        assert 'the champion of "events" was trained without "price": train again to use it' in report.warnings
        (mapped,) = sqlscore.status(con).mappings
        assert mapped.unread_features == '"price"'
