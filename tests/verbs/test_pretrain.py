"""A base for fine-tuning: what it is learned from, that it goes on after a kill, and that it never reigns."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import InstallError, ModelError, TrainingError
from sqlscore.mapping.composition.sources import Source
from sqlscore.training.fit import fit_log
from sqlscore.training.learning.training import Epoch

TINY: dict[str, Any] = {"max_epochs": 2, "embedding": 8, "hidden": 8, "width": 8}
SOURCES = (
    Source("clicks", "who", "at", event_type="did"),
    Source("orders", "customer", "placed", action="order"),
)
LABELS = """SELECT e.user_id, m.as_of, count(*) FILTER (e.event_time > m.as_of) > 8 AS label
            FROM sqlscore.events e CROSS JOIN (VALUES (TIMESTAMP '2024-01-15'), (TIMESTAMP '2024-01-20')) m(as_of)
            GROUP BY ALL HAVING min(e.event_time) <= m.as_of"""


@pytest.fixture(scope="module")
def template(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of events, mapped as one, with a base and no model."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("pretrain") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS SELECT i % 60 AS who, TIMESTAMP '2024-01-01' + to_minutes(20 * i) AS at,
                   ['view', 'cart', 'leave'][1 + (i // 60 + i % 60) % 3] AS did FROM range(2400) t(i)
               WHERE hash(i) % 3 > 0 OR i % 60 < 30"""
        )
        con.execute("CREATE TABLE orders AS SELECT c.who AS customer, c.at + INTERVAL 1 MINUTE AS placed FROM clicks c")
        con.execute("DELETE FROM orders WHERE hash(placed) % 8 > 0")
        sqlscore.map_events(con, SOURCES)
        sqlscore.pretrain(con, **TINY)
    return path


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(shutil.copy(template, tmp_path / "shop.duckdb")) as con:
        yield con


def test_a_base_knows_the_events_of_every_source_and_says_what_it_took(shop: duckdb.DuckDBPyConnection) -> None:
    found = sqlscore.pretrain(shop, **TINY)
    assert found.model.label == "base@2"
    assert found.sources == ("clicks", "orders")
    assert (found.n_events, found.n_users) == shop.execute(
        "SELECT count(*), count(DISTINCT user_id) FROM sqlscore.events"
    ).fetchone()
    assert found.log_loss == found.model.metrics["next_action"]["log_loss"]
    assert found.counting_log_loss == found.model.metrics["next_action"]["baselines"][found.counting]["log_loss"]
    assert found.cpu_seconds > 0
    assert not found.resumed
    assert not list(Path(str(database(shop))).parent.glob("*.pretraining"))
    assert "order" in shop.execute("SELECT manifest -> '$.inputs.actions' FROM sqlscore.models").fetchall()[0][0]


def test_the_same_seed_gives_the_same_base(shop: duckdb.DuckDBPyConnection) -> None:
    """Its bytes hold no cost and no moment; another seed gives another one."""
    first = sqlscore.list_models(shop)[0].sha256
    assert sqlscore.pretrain(shop, **TINY).model.sha256 == first
    assert sqlscore.pretrain(shop, seed=1, **TINY).model.sha256 != first


def test_an_interrupted_pretraining_goes_on_and_ends_with_the_same_base(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second epoch's end is the last thing that the first process did."""

    class Killed(BaseException):
        pass

    def die(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise Killed

    longer = {**TINY, "max_epochs": 4, "patience": 9}
    whole = sqlscore.pretrain(shop, name="whole", **longer)
    with monkeypatch.context() as patched:
        patched.setattr("sqlscore.training.pretrain.fit_log", lambda *a, **k: fit_log(*a, on_epoch=die, **k))
        with pytest.raises(Killed):
            sqlscore.pretrain(shop, name="parts/1", **longer)
    (kept,) = Path(database(shop)).parent.glob("*.pretraining")
    told: list[int] = []
    monkeypatch.setattr(
        "sqlscore.training.pretrain.fit_log", lambda *a, **k: fit_log(*a, on_epoch=lambda e: told.append(e.number), **k)
    )
    resumed = sqlscore.pretrain(shop, name="parts/1", **longer)
    assert resumed.resumed
    assert told[0] > 1
    assert resumed.model.sha256 == whole.model.sha256
    assert not kept.exists()


def test_a_checkpoint_of_fewer_events_is_thrown_away(shop: duckdb.DuckDBPyConnection) -> None:
    """Other than `train --checkpoint FILE`, which names the file: here nobody chose it."""
    path = Path(f"{database(shop)}.base.pretraining")
    path.write_bytes(b"of another time")
    half = path.with_name(f".{path.name}.0badf00d.partial")
    half.write_bytes(b"of a process that was killed while it wrote")
    assert not sqlscore.pretrain(shop, **TINY).resumed
    assert not path.exists()
    assert not half.exists()


def test_a_head_is_learned_on_a_base_that_is_no_champion(shop: duckdb.DuckDBPyConnection) -> None:
    """A file without a champion has heads, whose base cannot be dropped while they need it."""
    head = sqlscore.finetune(shop, LABELS, name="busy", base="base")
    assert not head.is_champion
    told = shop.execute("SELECT propensity(e, 'busy') FROM sqlscore.events e GROUP BY user_id").fetchall()
    assert len({share for (share,) in told}) > 10
    with pytest.raises(ModelError, match="base of busy@1"):
        sqlscore.drop_model(shop, "base@1")


def test_a_base_never_becomes_champion(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Neither as the first model of a file, nor by hand, by import, or by repair."""
    assert [model.kind for model in sqlscore.list_models(shop)] == ["gru, pretrained"]
    assert not any(model.is_champion for model in sqlscore.list_models(shop))
    with pytest.raises(ModelError, match="pretrained, a base for fine-tuning"):
        sqlscore.promote(shop, "base", force=True)
    sqlscore.export_model(shop, "base", tmp_path / "base.sqlscore")
    again = sqlscore.import_model(shop, tmp_path / "base.sqlscore", name="other", promote=True, force=True)
    assert again.is_pretrained
    assert not again.is_champion
    sqlscore.repair(shop)
    with pytest.raises(duckdb.Error, match='no model for the events mapped as "events" yet'):
        shop.execute("SELECT predict_next_action(e) FROM sqlscore.events e GROUP BY user_id").fetchall()
    (problem,) = [problem for problem in sqlscore.status(shop).problems if "has no model" in problem.what]
    assert problem.command.startswith("sqlscore train")


def test_beside_a_champion_a_base_changes_nothing(shop: duckdb.DuckDBPyConnection) -> None:
    """A champion that is dropped is not followed by a base, and repair takes out one that somebody put there."""
    trained = sqlscore.train(shop, architecture="markov")
    sqlscore.pretrain(shop, **TINY)
    assert [model.label for model in sqlscore.list_models(shop) if model.is_champion] == [trained.label]
    shop.execute("UPDATE sqlscore.aliases SET name = 'base', version = 1")
    sqlscore.repair(shop)
    assert [model.label for model in sqlscore.list_models(shop) if model.is_champion] == [trained.label]
    sqlscore.drop_model(shop, trained.label)
    assert not any(model.is_champion for model in sqlscore.list_models(shop))


@pytest.mark.parametrize("name", ["events", "champion", "m"])
def test_a_base_shares_its_name_with_no_other_kind(shop: duckdb.DuckDBPyConnection, name: str) -> None:
    """`m` is a model, and models of the mapping are called `events` by default."""
    sqlscore.train(shop, architecture="markov", name="m")
    with pytest.raises(ModelError, match=f"'{name}' is the name of a model"):
        sqlscore.pretrain(shop, name=name, **TINY)
    with pytest.raises(ModelError, match="'base' is the name of a base for fine-tuning"):
        sqlscore.train(shop, architecture="markov", name="base")
    with pytest.raises(ModelError, match="'base' is the name of a base for fine-tuning"):
        sqlscore.finetune(shop, LABELS, name="base", base="base")


def test_what_counts_has_no_encoder(shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(TrainingError, match="markov counts"):
        sqlscore.pretrain(shop, architecture="markov")


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_learned(template: Path) -> None:
    with sqlscore.connect(template, read_only=True) as con, pytest.raises(InstallError, match="read-only"):
        sqlscore.pretrain(con, **TINY)


def test_a_database_in_memory_has_a_base_and_no_checkpoint() -> None:
    with sqlscore.connect() as con:
        con.execute("CREATE TABLE e AS SELECT i % 30 AS user_id, TIMESTAMP '2024-01-01' + to_minutes(i) AS event_time, "
                    "['a', 'b', 'c'][1 + (i // 30) % 3] AS event_type FROM range(1500) t(i)")  # fmt: skip
        sqlscore.map_events(con, "e")
        assert sqlscore.pretrain(con, **TINY).n_events == 1500


def test_the_command_line_says_what_it_took_and_what_comes_next(template: Path, tmp_path: Path) -> None:
    path = shutil.copy(template, tmp_path / "shop.duckdb")
    arguments = ["pretrain", str(path), "--max-epochs", "1", "--name", "basis"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    assert "in clicks, orders" in ran.output
    assert f"sqlscore finetune {path} --base basis" in ran.output
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert told["model"]["label"] == "basis@2"
    shown = CliRunner().invoke(app, ["models", str(path)], env={"COLUMNS": "160"}).output
    assert shown.count("pretrained") == 3


def database(con: duckdb.DuckDBPyConnection) -> str:
    """The file of a connection."""
    row = con.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()").fetchone()
    assert row is not None
    return str(row[0])
