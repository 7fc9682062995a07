"""An encoder that is tuned for a label: kept with its head where it is better, never champion, and told either way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database import registry
from sqlscore.errors import ModelError, TrainingError
from sqlscore.scoring.manifest import judged_part, read_manifest
from sqlscore.scoring.notes import seen_until
from sqlscore.training import tuning

TINY: dict[str, Any] = {"max_epochs": 1, "embedding": 8, "hidden": 8, "width": 8, "churn": False}
USERS = 500
LABELS = """SELECT user_id, as_of, as_of + INTERVAL 1 DAY AS known_at, {label} AS label
    FROM (SELECT DISTINCT user_id FROM ev),
         (SELECT unnest([TIMESTAMP '2024-02-01', TIMESTAMP '2024-02-03', TIMESTAMP '2024-02-05']) AS as_of)"""
RED = LABELS.format(label="hash(user_id, as_of) % 20 > 0 AND user_id % 2 = 0")
"""Of those who look at red things nearly all, of others none: nothing that counts of a user says who does."""
NOISE = LABELS.format(label="hash(user_id, as_of, 'x') % 2 = 0")


@pytest.fixture(scope="module")
def template(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the users look at red things; what comes next does not depend on it, so that a base need not know."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("tune") / "shop.duckdb"))
    with sqlscore.connect(path, threads=1) as con:
        con.execute(
            f"""CREATE TABLE ev AS SELECT i % {USERS} AS user_id,
                    TIMESTAMP '2024-01-01' + to_minutes(CAST(i * 12 AS BIGINT)) AS event_time,
                    ['view', 'cart', 'buy'][1 + CAST(hash(i) % 3 AS BIGINT)] AS event_type,
                    CASE WHEN (i % {USERS} % 2 = 0) = (hash(i, 'c') % 10 < 9) THEN 'red' ELSE 'blue' END AS colour
                FROM range({USERS * 10}) t(i)"""
        )
        sqlscore.map_events(con, "ev", features=["colour"])
        sqlscore.train(con, **TINY)
    return path


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file of its own; what is so small must learn fast."""
    monkeypatch.setattr(tuning, "RATE", 5e-3)
    with sqlscore.connect(shutil.copy(template, tmp_path / "shop.duckdb"), threads=1) as con:
        yield con


def models(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return {model.label: model for model in sqlscore.list_models(con)}


def test_an_encoder_that_is_better_is_kept_as_a_base_of_its_own(
    shop: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    before = models(shop)["events@1"]
    head = sqlscore.finetune(shop, RED, name="red", tune=True)
    found = head.notes["tuning"]
    assert found["kept"]
    assert 0 < found["low"] < found["difference"] < found["high"]
    assert 1 <= found["epochs"] < len(found["losses"])
    judged = head.metrics["label"]
    assert judged["later"]["loss"] < judged["later"]["baselines"]["encoder_as_it_was"]["loss"] - 0.02
    assert "The encoder is tuned, which is better for users that it never saw" in head.metrics["verdict"][-1]
    assert f"{found['n_bytes'] / 1e6:.2f} MB" in head.metrics["verdict"][-1]
    base = models(shop)["red_base@1"]
    assert (base.kind, base.tuned_for, base.metrics) == ("gru, tuned for red", "red", {})
    assert models(shop)["events@1"] == before  # it is a copy that was tuned
    ((data,),) = shop.execute("SELECT artifact FROM sqlscore.models WHERE name = 'red_base'").fetchall()
    known = [seen_until(read_manifest(each)) for each in (bytes(data), judged_part(bytes(data)) or b"")]
    days = [datetime.fromtimestamp(micros / 1e6, UTC).day for micros in known]
    assert days[0] >= 6  # the labels of 5 February are known then, which a backtest has to know
    assert days[1] >= 4
    row = "SELECT manifest -> '$.config' FROM sqlscore.models WHERE name = 'red'"
    ((config,),) = shop.execute(row).fetchall()
    assert f'"base":"red_base@1","base_sha256":"{base.sha256}"' in config.replace(" ", "")
    told = shop.execute(
        "SELECT avg(p) FILTER (user_id % 2 = 0), avg(p) FILTER (user_id % 2 > 0) FROM "
        "(SELECT user_id, propensity(e, 'red') AS p FROM ev e GROUP BY user_id)"
    ).fetchall()[0]
    assert told[0] > told[1] + 0.4
    sqlscore.refresh(shop)
    kept = "SELECT count(*) FROM sqlscore.scored_labels WHERE label = 'red' AND propensity IS NOT NULL"
    assert shop.execute(kept).fetchall() == [(USERS,)]
    _is_no_champion(shop, base.label)
    _goes_along(shop, tmp_path)


def _is_no_champion(shop: duckdb.DuckDBPyConnection, label: str) -> None:
    """Nor is it dropped while the head needs it, or judged by what it was tuned for."""
    with pytest.raises(ModelError, match="tuned for red, a base for fine-tuning, and is not made champion"):
        sqlscore.promote(shop, label, force=True)
    with pytest.raises(ModelError, match=r"red_base@1 is the base of red@1"):
        sqlscore.drop_model(shop, label)
    with pytest.raises(ModelError, match=r"was tuned for red, .*: evaluate red"):
        sqlscore.evaluate(shop, label)
    shop.execute("UPDATE sqlscore.aliases SET name = 'red_base', version = 1")
    sqlscore.repair(shop)
    assert [model.label for model in sqlscore.list_models(shop) if model.is_champion] == ["events@1"]


def _goes_along(shop: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Another file takes the head once it has the base, which is not champion there either."""
    for name in ("red", "red_base"):
        sqlscore.export_model(shop, name, folder / name)
    with sqlscore.connect() as other:
        with pytest.raises(ModelError, match="was fine-tuned on red_base@1, which is not registered"):
            sqlscore.import_model(other, folder / "red", name="red")
        assert not sqlscore.import_model(other, folder / "red_base", name="red_base", promote=True).is_champion
        assert sqlscore.import_model(other, folder / "red", name="red").is_head


@pytest.mark.slow
def test_the_same_seed_gives_the_same_encoder_and_later_moments_do_not_matter(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    """What is judged was tuned without the labels that judge it, and without what happened meanwhile."""
    sqlscore.finetune(shop, RED, name="red", tune=True)
    sqlscore.finetune(shop, RED, name="red", tune=True)
    assert models(shop)["red_base@1"].sha256 == models(shop)["red_base@2"].sha256
    late = "as_of >= TIMESTAMP '2024-02-05'"
    sqlscore.finetune(
        shop, f"SELECT * REPLACE (CASE WHEN {late} THEN NOT label ELSE label END AS label) FROM ({RED})",
        name="other", tune=True,
    )  # fmt: skip
    rows = shop.execute("SELECT name, artifact FROM sqlscore.models WHERE name LIKE '%base' AND version = 1").fetchall()
    found = {name: judged_part(bytes(data)) for name, data in rows}
    weights = {name: _weights(data) for name, data in found.items() if data is not None}
    assert weights["red_base"] == weights["other_base"]


def _weights(data: bytes) -> bytes:
    from sqlscore.scoring.manifest import WEIGHTS, members_of

    return members_of(data)[WEIGHTS]


def test_an_encoder_that_is_no_better_stays(shop: duckdb.DuckDBPyConnection) -> None:
    head = sqlscore.finetune(shop, NOISE, name="noise", tune=True)
    assert not head.notes["tuning"]["kept"]
    assert head.notes["tuning"]["n_bytes"] is None
    assert "The encoder stays as it was" in head.metrics["verdict"][-1]
    assert set(models(shop)) == {"events@1", "noise@1"}
    plain = sqlscore.finetune(shop, NOISE, name="plain")
    assert plain.metrics["label"]["later"]["loss"] == head.metrics["label"]["later"]["loss"]
    same = "SELECT DISTINCT propensity(e, 'noise') = propensity(e, 'plain') FROM ev e GROUP BY user_id"
    assert shop.execute(same).fetchall() == [(True,)]


def test_what_is_interrupted_leaves_neither_head_nor_base(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, stored = registry._store, []

    def fail_at_the_head(con: duckdb.DuckDBPyConnection, data: bytes, name: str, mapping: str) -> int:
        if name == "red":
            raise KeyboardInterrupt
        stored.append(name)
        return store(con, data, name, mapping)

    monkeypatch.setattr(registry, "_store", fail_at_the_head)
    with pytest.raises(KeyboardInterrupt):
        sqlscore.finetune(shop, RED, name="red", tune=True)
    assert stored == ["red_base"]
    assert set(models(shop)) == {"events@1"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"labels": RED, "where": "colour = 'red'"}, "leave out where, or tune"),
        ({"uplift": "spring"}, "leave out uplift, or tune"),
        ({"labels": RED, "base": "counted"}, r"counted@1 \(markov\) counts, and has no encoder"),
    ],
)
def test_what_cannot_be_tuned_is_refused(shop: duckdb.DuckDBPyConnection, asked: dict[str, Any], said: str) -> None:
    sqlscore.train(shop, architecture="markov", name="counted", churn=False, promote=False)
    labels = asked.pop("labels", None)
    with pytest.raises(TrainingError, match=said):
        sqlscore.finetune(shop, labels, name="red", tune=True, **asked)


def test_the_name_of_the_base_must_be_free_before_anything_is_learned(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.train(shop, architecture="markov", name="red_base", churn=False, promote=False)
    with pytest.raises(ModelError, match="'red_base' is the name of a model"):
        sqlscore.finetune(shop, RED, name="red", tune=True)


@pytest.mark.slow
def test_the_command_says_which_was_kept(shop: duckdb.DuckDBPyConnection) -> None:
    path = shop.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    shop.close()
    ran = CliRunner().invoke(app, ["finetune", path, "--name", "red", "--labels", RED, "--tune"], env={"COLUMNS": "80"})
    assert ran.exit_code == 0, ran.output
    assert "The encoder is tuned, which is better" in " ".join(ran.output.split())
    shown = CliRunner().invoke(app, ["models", path], env={"COLUMNS": "160"}).output
    assert "tuned for red" in shown
