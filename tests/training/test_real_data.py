"""Training on real logs with no tuning; needs the data folder (see conftest)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from sqlscore.events.mapping import Feature, Mapping
from sqlscore.models.loading import load
from sqlscore.quoting import literal
from sqlscore.scoring.manifest import sha256_of
from sqlscore.training.evaluation.evaluate import evaluate
from sqlscore.training.fit import fit
from sqlscore.training.options import TrainedModel, TrainingOptions

pytestmark = pytest.mark.slow
DAY = 86_400.0


def trained(relation: str, *features: Feature, options: TrainingOptions | None = None) -> TrainedModel:
    with duckdb.connect() as con:
        return fit(con, Mapping("events", relation, "user_id", "ts", "event_type", features), options)


def parquet(data: Path, name: str) -> str:
    return f"read_parquet({literal(str(data / name))})"


MOBILE = Mapping("events", "onboarding", "user_id", "ts", "event_type")


@pytest.fixture(scope="module")
def onboarding(data: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, TrainedModel]]:
    """(a database with the log, its outcome rows left out; a model of it)."""
    with duckdb.connect() as con:
        con.execute(
            f"""CREATE TABLE onboarding AS FROM {parquet(data, "mobile_onboarding/events.parquet")}
                WHERE event_type NOT IN ('lost', 'passed')"""
        )
        yield con, fit(con, MOBILE)


def test_mobile_onboarding_beats_a_markov_chain_of_order_two(
    onboarding: tuple[duckdb.DuckDBPyConnection, TrainedModel],
) -> None:
    """Actions follow each other almost by rule there, so the chain is strong."""
    manifest = onboarding[1].manifest
    found = manifest.metrics["next_action"]
    assert found["accuracy"] > found["baselines"]["markov2"]["accuracy"] > 0.7
    assert found["log_loss"] < found["baselines"]["markov2"]["log_loss"]
    assert found["ece"] < 0.05
    assert manifest.heads == ("next_action", "time_to_next")
    assert "come back" in manifest.notes["no_churn"]


def test_a_renamed_action_is_understood_through_its_name(
    onboarding: tuple[duckdb.DuckDBPyConnection, TrainedModel],
) -> None:
    """A new version of an app renames its events: a near name must cost far less than one out of the blue."""
    con, trained = onboarding
    artifact = load(trained.artifact, sha256_of(trained.artifact), "onboarding@1")
    t2 = trained.manifest.notes["periods"]["t2"]
    losses = []
    for name in ("onboarding__chooseLoginType", "onboarding__chooseLoginType_v2", "zzz 99"):
        con.execute(
            """CREATE OR REPLACE TABLE renamed AS SELECT * REPLACE (
                   IF(event_type = 'onboarding__chooseLoginType' AND epoch_us(ts) > ?, ?, event_type) AS event_type)
               FROM onboarding""",
            [t2, name],
        )
        found = evaluate(con, replace(MOBILE, relation="renamed"), artifact)["next_action"]
        losses.append(found["log_loss"])
    original, near, far = losses
    assert near - original < 0.25 * (far - original)


INVOICES = (Feature("n_lines", "numeric"), Feature("value", "numeric"))


@pytest.mark.parametrize(
    "options",
    [TrainingOptions(), TrainingOptions(horizon=373 / 3 * DAY, lookback=float("inf"))],
    ids=["chosen horizon", "a third of the span"],
)
def test_invoices_churn_beats_recency_and_frequency(data: Path, options: TrainingOptions) -> None:
    """On the same users; with a third of the span as horizon there is room only for held-out users to validate."""
    manifest = trained(parquet(data, "online_retail/invoices.parquet"), *INVOICES, options=options).manifest
    found = manifest.metrics["churn"]
    assert found["auc"] > max(baseline["auc"] for baseline in found["baselines"].values()) + 0.005
    if options.horizon:
        assert (found["n"], manifest.notes["periods"]["by_users"]) == (3236, True)
        assert found["auc"] > 0.75
        assert found["ece"] < 0.05


def test_stackexchange_trains_with_every_head(data: Path) -> None:
    """A young site: most users register, get a badge and are gone."""
    manifest = trained(parquet(data, "stackexchange_quantum/events.parquet"), Feature("score", "numeric")).manifest
    found = manifest.metrics["next_action"]
    assert found["accuracy"] > found["baselines"]["markov2"]["accuracy"]
    assert "churn" in manifest.heads


def test_cosmetics_trains_and_says_that_it_does_not_beat_repetition(data: Path) -> None:
    """Five stretches of an hour: no churn, and the next action is mostly the last one again.

    With so few events a lead of two standard errors is a tie, and the verdict has to say so.
    """
    relation = parquet(data, "rees46_cosmetics/events.parquet")
    manifest = trained(relation, Feature("price", "numeric"), Feature("brand", "categorical")).manifest
    found = manifest.metrics["next_action"]
    assert found["log_loss"] < found["baselines"]["markov2"]["log_loss"]
    lead = found["accuracy"] - max(baseline["accuracy"] for baseline in found["baselines"].values())
    noise = 2 * (found["accuracy"] * (1 - found["accuracy"]) / found["n"]) ** 0.5
    assert ("beats the best baseline" in manifest.metrics["verdict"][0]) == (lead > noise)


def test_invoice_lines_train_in_bounded_time(data: Path) -> None:
    """The largest of the sets, 400,000 events with a user: churn must not suffer from the grain."""
    features = (Feature("quantity", "numeric"), Feature("unit_price", "numeric"))
    options = TrainingOptions(event_updates=100_000)  # a twentieth of the default: for the suite's sake
    manifest = trained(parquet(data, "online_retail/events.parquet"), *features, options=options).manifest
    found = manifest.metrics["churn"]
    assert found["auc"] > max(baseline["auc"] for baseline in found["baselines"].values())
