"""A file that an older sqlscore made still opens, scores and refreshes.

`files/format_2.duckdb.xz` was made by sqlscore 0.1.0 before its modules moved (artifact format 2), with DuckDB 2.0.1:
150 customers of the simulated shop, mapped from `clicks` with brand and price; the models `events@1` (markov),
`small@1` (gru, the champion) and `folded@1` (mingru); one refresh with history; and in the table `expected` what
`score_events` returned for each user and model.

`files/format_3.duckdb.xz` was made by the last sqlscore whose models were TorchScript (artifact format 3): 40 made-up
users, a trained markov and a gru, mingru and cnn_bigru of random weights, one refresh, and `expected` as above.
"""

from __future__ import annotations

import io
import json
import lzma
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from same_scores import assert_equal_to_full

import sqlscore
from sqlscore.database.catalog import synchronize
from sqlscore.database.objects import installed_version, version
from sqlscore.database.registry import register
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.stored import to_weights
from sqlscore.scoring.manifest import FORMAT, pack, read_manifest
from sqlscore.scoring.torchscript import zipped

OLD = Path(__file__).parent / "files" / "format_2.duckdb.xz"
MODELS = {"markov": "events@1", "small": "small@1", "folded": "folded@1"}


@pytest.fixture
def old(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path / "old.duckdb"
    path.write_bytes(lzma.decompress(OLD.read_bytes()))
    with sqlscore.connect(path, threads=1) as con:
        yield con


@pytest.mark.parametrize("column", MODELS)
def test_a_model_of_an_older_file_gives_the_scores_that_it_gave(old: duckdb.DuckDBPyConnection, column: str) -> None:
    n, differ, furthest = _differences(old, column, MODELS[column])
    assert (n, differ) == (150, 0)
    assert furthest < 1e-5


def _differences(con: duckdb.DuckDBPyConnection, column: str, model: str) -> tuple[int, int, float]:
    """-> users, those whose next action is another one, and the largest difference of probability and risk."""
    found: tuple[int, int, float] = con.execute(
        f"""WITH now AS (SELECT user_id, score_events(c, model := ?) AS s FROM clicks c GROUP BY user_id)
            SELECT count(*), count(*) FILTER (now.s.next_action IS DISTINCT FROM e.{column}.next_action),
                   max(abs(now.s.next_action_probability - e.{column}.next_action_probability)
                       + abs(coalesce(now.s.churn_risk, 0) - coalesce(e.{column}.churn_risk, 0)))
            FROM now JOIN expected e USING (user_id)""",
        [model],
    ).fetchall()[0]
    return found


FORMAT_3 = {"markov": "events@1", "gru": "gru@1", "mingru": "mingru@1", "cnn_bigru": "cnn_bigru@1"}


@pytest.fixture(scope="module")
def torchscript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("old") / "old.duckdb"
    path.write_bytes(lzma.decompress((OLD.parent / "format_3.duckdb.xz").read_bytes()))
    with sqlscore.connect(path, threads=1) as con:
        yield con


@pytest.mark.parametrize("column", FORMAT_3)
def test_a_model_that_is_torchscript_gives_the_scores_that_it_gave(
    torchscript: duckdb.DuckDBPyConnection, column: str
) -> None:
    n, differ, furthest = _differences(torchscript, column, FORMAT_3[column])
    assert (n, differ) == (40, 0)
    assert furthest < 1e-6


@pytest.mark.parametrize("column", FORMAT_3)
def test_the_same_weights_stored_without_code_give_the_same_scores(
    torchscript: duckdb.DuckDBPyConnection, column: str
) -> None:
    """The module is built by this version, and takes the numbers out of the older file."""
    con, label = torchscript, FORMAT_3[column]
    row = con.execute("SELECT artifact FROM sqlscore.models WHERE name || '@' || version = ?", [label]).fetchone()
    assert row is not None
    register(con, restored(bytes(row[0])), name=f"new_{column}", mapping="events", champion=False, verb="import_model")
    synchronize(con)
    n, differ, furthest = _differences(con, column, f"new_{column}@1")
    assert (n, differ) == (40, 0)
    assert furthest < 1e-6


def restored(data: bytes) -> bytes:
    """An artifact of format 3 as one of today's."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old: Any = torch.jit.load(io.BytesIO(archive.read("module.pt")))
    manifest = replace(read_manifest(data), format=FORMAT)
    config = ModelConfig.from_json(json.dumps(manifest.config))
    model: Any = ARCHITECTURES[manifest.architecture].build(config, manifest.inputs)
    with torch.no_grad():
        for name, tensor in {**dict(old.named_parameters()), **dict(old.named_buffers())}.items():
            place, _, own = name.rpartition(".")
            if name.startswith("counts.") or own in ("frozen", "mapped_rows"):
                setattr(model.get_submodule(place), own, tensor)
            else:
                getattr(model.get_submodule(place), own).copy_(tensor)
    for setting in ("prior", "network_weight", "ends", "order"):
        setattr(model.counts, setting, getattr(old.counts, setting))
    return pack(to_weights(model), manifest)


def test_a_model_of_format_1_gives_the_scores_of_format_2(old: duckdb.DuckDBPyConnection) -> None:
    """The first format differs in its number alone where a model reads no more than one column of categories."""
    row = old.execute("SELECT artifact FROM sqlscore.models WHERE name = 'small'").fetchone()
    assert row is not None
    with zipfile.ZipFile(io.BytesIO(row[0])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | {"format": 1}).encode()
    data = zipped(members.items())
    assert read_manifest(data).format == 1
    register(old, data, name="first", mapping="events", champion=False, verb="import_model")
    synchronize(old)
    n, differ, furthest = _differences(old, "small", "first@1")
    assert (n, differ) == (150, 0)
    assert furthest < 1e-5


def test_a_file_of_torchscript_refreshes_what_changed_as_a_full_refresh_does(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    path.write_bytes(lzma.decompress((OLD.parent / "format_3.duckdb.xz").read_bytes()))
    with sqlscore.connect(path, threads=1) as con:
        con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
        table, time = con.execute(
            "SELECT mapping ->> 'relation', mapping ->> 'event_time' FROM sqlscore.mappings"
        ).fetchall()[0]
        con.execute(f"INSERT INTO {table} SELECT * REPLACE ({time} + INTERVAL 1 MINUTE AS {time}) FROM {table} LIMIT 1")
        sqlscore.refresh(con)
        assert_equal_to_full(con)


def test_an_older_file_keeps_its_models_and_scores_and_refreshes(old: duckdb.DuckDBPyConnection) -> None:
    before = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    assert {m.label: m.is_champion for m in sqlscore.list_models(old)} == {
        "events@1": False,
        "small@1": True,
        "folded@1": False,
    }
    old.execute(
        "INSERT INTO clicks SELECT * REPLACE (event_time + INTERVAL 1 MINUTE AS event_time) FROM clicks LIMIT 1"
    )
    report = sqlscore.refresh(old)
    after = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    full = sqlscore.refresh(old, full=True)
    again = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    assert len(before) == len(after) == report.tables["scored_users"] == full.tables["scored_users"] == 150
    assert [(user, action, pytest.approx(risk, abs=1e-4)) for user, action, risk in again] == after
    assert old.sql("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(150,)]


def test_scores_of_an_older_file_say_who_is_active(old: duckdb.DuckDBPyConnection) -> None:
    """The columns that its tables lack are there once it is opened, before any refresh, and after one."""
    lookback = "(SELECT CAST(manifest ->> 'lookback_seconds' AS DOUBLE) FROM sqlscore.models WHERE name = 'small')"
    query = f"""SELECT count(*), count(*) FILTER (is_active = (last_event_time > as_of - to_seconds({lookback}))),
                    count(*) FILTER (days_silent = (epoch_us(as_of) - epoch_us(last_event_time)) / 864e8)
                FROM sqlscore.scored_users"""
    assert old.sql(query).fetchall() == [(150, 150, 150)]
    comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'scored_users' AND column_name = 'days_silent'"
    assert old.sql(comment).fetchall() == [("Days from the last event to as_of.",)]
    sqlscore.refresh(old, full=True)
    assert old.sql(query).fetchall() == [(150, 150, 150)]
    assert old.sql(comment).fetchall() == [("Days from the last event to as_of.",)]


def test_an_older_file_is_upgraded_once(tmp_path: Path) -> None:
    """The first connection installs this version's functions, views and comments, the second finds nothing to do."""
    path = tmp_path / "old.duckdb"
    path.write_bytes(lzma.decompress(OLD.read_bytes()))
    views = "SELECT view_name, view_oid FROM duckdb_views() WHERE schema_name = 'sqlscore' ORDER BY ALL"
    with sqlscore.connect(path) as con:
        assert installed_version(con) == version()
        assert [mapping.name for mapping in sqlscore.status(con).mappings] == ["events"]
        described = "SELECT comment FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name = 'models'"
        assert con.sql(described).fetchall() == [("The registered models, one row per version, artifact included.",)]
    with duckdb.connect(path) as con:
        upgraded = con.sql(views).fetchall()
    with sqlscore.connect(path):
        pass
    with duckdb.connect(path) as con:
        assert con.sql(views).fetchall() == upgraded
