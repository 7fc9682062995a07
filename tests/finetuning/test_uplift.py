"""Whom an intervention helps is learned on a simulated shop whose effects are known, and said as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner
from uplift import effect_of, open_shop, told_of, treat

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import TrainingError

Learned = Callable[[str], tuple[Path, pa.Table]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """A shop in which nobody was treated, with a model."""
    path = tmp_path_factory.mktemp("uplift") / "shop.duckdb"
    con, customers = open_shop(path, 2_500)
    sqlscore.train(con, architecture="markov")
    con.close()
    return path, customers


@pytest.fixture(scope="module")
def learned(shop: tuple[Path, pa.Table]) -> Learned:
    """Files in which an intervention was learned that has an effect, each made once."""
    made: dict[str, Path] = {}

    def of(effect: str) -> tuple[Path, pa.Table]:
        template, customers = shop
        if effect not in made:
            path = made[effect] = template.with_name(f"{len(made)}.duckdb")
            with sqlscore.connect(shutil.copy(template, path)) as con:
                con.execute("CREATE TABLE cut AS SELECT max(event_time) AS cut FROM e")
                treat(con, customers, effect, seed=2)
                sqlscore.finetune(con, uplift="offer_a")
        return made[effect], customers

    return of


@pytest.fixture
def harmful(learned: Learned, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file of its own, with an intervention that helps some and drives others away."""
    with sqlscore.connect(shutil.copy(learned("harmful to some")[0], tmp_path / "own.duckdb")) as con:
        yield con


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["positive", "none", "harmful to some"])
def test_a_known_effect_is_told_and_none_is_invented(learned: Learned, effect: str) -> None:
    path, customers = learned(effect)
    without, given = effect_of(customers, effect)
    with sqlscore.connect(path, read_only=True) as con:
        told, found = told_of(con, customers), sqlscore.evaluate(con, "offer_a")
    assert told.mean() == pytest.approx((given - without).mean(), abs=0.06)
    figures, said = found["uplift"], " ".join(found["verdict"])
    if effect == "none":
        assert "has no effect that can be told from none" in said
        assert "cannot be told beyond noise" in said
        assert told.std() < 0.1
        return
    assert figures["qini_low"] > 0
    assert "It tells whom the intervention helps more" in said
    assert np.corrcoef(told, given - without)[0, 1] > 0.3
    if effect == "harmful to some":
        silent = customers["silent"].to_numpy()
        assert told[silent < 1].mean() < 0 < told[silent > 6].mean()
        assert (given - without)[told > 0].sum() > (given - without).sum()  # treating those alone saves more


def test_it_is_the_same_in_groups_lists_windows_and_after_a_refresh(harmful: duckdb.DuckDBPyConnection) -> None:
    grouped = harmful.execute(
        "SELECT user_id, uplift(e, 'offer_a') AS u FROM e WHERE user_id % 20 = 0 GROUP BY user_id ORDER BY 1"
    ).fetchnumpy()
    listed = harmful.execute(
        "SELECT list_uplift(list(e), 'offer_a@1') AS u FROM e WHERE user_id % 20 = 0 GROUP BY user_id ORDER BY user_id"
    ).fetchnumpy()
    windowed = harmful.execute(
        """SELECT uplift(e, 'offer_a') OVER (PARTITION BY user_id ORDER BY event_time RANGE BETWEEN UNBOUNDED PRECEDING
               AND UNBOUNDED FOLLOWING) AS u, user_id FROM e WHERE user_id % 20 = 0
           QUALIFY row_number() OVER (PARTITION BY user_id) = 1 ORDER BY user_id"""
    ).fetchnumpy()
    sqlscore.refresh(harmful, full=True)
    kept = harmful.execute(
        """SELECT kind, uplift, propensity IS NULL AND expected_value IS NULL AS bare FROM sqlscore.scored_labels
           WHERE label = 'offer_a' AND user_id % 20 = 0 ORDER BY user_id"""
    ).fetchnumpy()
    assert len(np.unique(grouped["u"])) > 20
    for other in (listed["u"], windowed["u"], kept["uplift"]):
        np.testing.assert_allclose(other, grouped["u"], atol=1e-5)
    assert set(kept["kind"]) == {"uplift"}
    assert kept["bare"].all()


def test_an_uplift_is_no_probability_and_a_label_no_uplift(harmful: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(
        duckdb.Error, match="says what an intervention changes, not how likely something is: use uplift"
    ):
        harmful.execute("SELECT propensity(e, 'offer_a') FROM e GROUP BY user_id").fetchall()
    with pytest.raises(duckdb.Error, match="no fine-tuned label 'offer_b'"):
        harmful.execute("SELECT uplift(e, 'offer_b') FROM e GROUP BY user_id").fetchall()


@pytest.mark.slow
def test_only_what_chance_assigned_first_is_learned(learned: Learned, tmp_path: Path) -> None:
    """Users who were sure to get it, later assignments and other interventions change nothing of what is told."""
    file = shutil.copy(learned("harmful to some")[0], tmp_path / "more.duckdb")
    query = "SELECT user_id, uplift(e, 'offer_a{}') FROM e WHERE user_id % 20 = 0 GROUP BY user_id ORDER BY user_id"
    with sqlscore.connect(file) as con:
        con.execute(
            """INSERT INTO sqlscore.interventions BY NAME
               SELECT * REPLACE ('treated' AS variant, assigned_at + INTERVAL 1 HOUR AS assigned_at)
                   FROM sqlscore.interventions WHERE which = 'offer_a'
               UNION ALL BY NAME SELECT * REPLACE ('offer_b' AS which) FROM sqlscore.interventions
               UNION ALL BY NAME SELECT i.* REPLACE (e.user_id AS user_id, 'treated' AS variant, 1 AS probability)
                   FROM (SELECT DISTINCT user_id FROM e) e
                   CROSS JOIN (FROM sqlscore.interventions WHERE which = 'offer_a' LIMIT 1) i
                   ANTI JOIN sqlscore.interventions o ON o.user_id = e.user_id"""
        )
    shown = CliRunner().invoke(app, ["finetune", str(file), "--uplift", "offer_a"])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    for each in ("offer_a@2: ", "users are left out", "by what they were told", "It tells whom the intervention helps"):
        assert each in text
    judged = CliRunner().invoke(app, ["evaluate", str(file), "--model", "offer_a"])
    assert "by what they were told" in judged.output
    walked = CliRunner().invoke(app, ["backtest", str(file), "--model", "offer_a"])
    assert walked.exit_code == 1
    assert "offer_a@2 is an uplift, which was judged on users that were held out by chance" in walked.output
    with sqlscore.connect(file, read_only=True) as con:
        assert con.execute(query.format("@2")).fetchall() == con.execute(query.format("@1")).fetchall()


def test_what_cannot_be_learned_from_is_refused(harmful: duckdb.DuckDBPyConnection) -> None:
    """Each with what is wrong and what to do; nothing is registered."""

    harmful.execute("CREATE TABLE kept AS FROM sqlscore.interventions")

    def refused(pattern: str, change: str) -> None:
        harmful.execute(change)
        with pytest.raises(TrainingError, match=pattern):
            sqlscore.finetune(harmful, uplift="offer_a")
        harmful.execute("DELETE FROM sqlscore.interventions")
        harmful.execute("INSERT INTO sqlscore.interventions FROM kept")

    with pytest.raises(TrainingError, match=r"nobody was assigned to the intervention 'b' \(interventions: 'offer_a'"):
        sqlscore.finetune(harmful, uplift="b")
    refused("nobody was held out by chance", "UPDATE sqlscore.interventions SET probability = 1")
    refused(
        "chance hardly makes such arms",
        "DELETE FROM sqlscore.interventions WHERE variant = 'treated' AND user_id % 2 = 0",
    )
    refused("and 100 of each are needed", "DELETE FROM sqlscore.interventions WHERE user_id % 20 > 0")
    refused("more are not known yet", "UPDATE sqlscore.interventions SET horizon_seconds = 1e8")
    refused("nobody stayed", "DELETE FROM e WHERE event_time = (SELECT cut + INTERVAL 3 DAY FROM cut)")
    with pytest.raises(TrainingError, match="pass one of labels, a SELECT, uplift"):
        sqlscore.finetune(harmful, "SELECT 1", uplift="offer_a")
    with pytest.raises(TrainingError, match="pass one of labels, a SELECT, uplift"):
        sqlscore.finetune(harmful, name="x")
    with pytest.raises(TrainingError, match="pass name"):
        sqlscore.finetune(harmful, "SELECT 1")
    with pytest.raises(TrainingError, match="task 'count' is for labels"):
        sqlscore.finetune(harmful, uplift="offer_a", task="count")
    assert "offer_a@2" not in {model.label for model in sqlscore.list_models(harmful)}
