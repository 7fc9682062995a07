"""Versions, the champion, artifacts in and out."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.events.inputs import Inputs
from sqlscore.scoring.manifest import Manifest, read_manifest

LIST = "SELECT list_predict_next_action(['view'])"


def add(con: duckdb.DuckDBPyConnection, *actions: str, champion: bool = True) -> str:
    return register(con, tiny_artifact(actions), name="events", mapping="events", champion=champion, verb="train").label


def test_a_promoted_champion_is_used_from_the_next_query_on(con: duckdb.DuckDBPyConnection) -> None:
    assert add(con, "view", "a") == "events@1"
    assert add(con, "view", "b", champion=False) == "events@2"
    assert con.execute(LIST).fetchall() == [("a",)]
    sqlscore.promote(con, "events@2")
    assert con.execute(LIST).fetchall() == [("b",)]
    assert [m.label for m in sqlscore.list_models(con) if m.is_champion] == ["events@2"]


def test_the_first_model_is_champion_whatever_was_asked(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "view", "a", champion=False)
    assert con.execute(LIST).fetchall() == [("a",)]


def test_a_version_number_is_never_given_twice(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "view", "a")
    label = add(con, "view", "b", champion=False)
    sqlscore.drop_model(con, label)
    assert add(con, "view", "c", champion=False) == "events@3"
    with pytest.raises(duckdb.Error, match="no model 'events@2'"):
        con.execute("SELECT list_predict_next_action(['view'], model := 'events@2')").fetchall()


def test_the_champion_is_not_dropped_while_others_wait(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "view", "a")
    add(con, "view", "b", champion=False)
    with pytest.raises(ModelError, match=r"events@1 is the champion: promote another first \(events@2\)"):
        sqlscore.drop_model(con, "events@1")


def test_dropping_the_only_model_is_allowed(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.drop_model(con, add(con, "view", "a"))
    with pytest.raises(duckdb.Error, match="sqlscore train"):
        con.execute(LIST).fetchall()


def test_unknown_versions_are_named_with_what_there_is(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "view", "a")
    with pytest.raises(ModelError, match="no model 'events@9'.*registered: events@1"):
        sqlscore.promote(con, "events@9")


def test_a_model_is_loaded_once_per_process(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of connections and threads."""
    loads: list[object] = []
    load: Any = torch.jit.load

    def counted(*given: Any, **named: Any) -> Any:
        loads.append(given)
        return load(*given, **named)

    monkeypatch.setattr(torch.jit, "load", counted)
    add(con, "view", "once", "twice")
    other = sqlscore.connect()
    add(other, "view", "once", "twice")
    threads = [threading.Thread(target=lambda: con.cursor().execute(LIST).fetchall()) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.execute(LIST).fetchall()
    other.close()
    assert len(loads) == 1


def test_export_and_import_move_a_model_between_files(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    add(con, "view", "moved")
    digest = sqlscore.export_model(con, None, tmp_path / "m.sqlscore")
    other = sqlscore.connect()
    info = sqlscore.import_model(other, tmp_path / "m.sqlscore", sha256=digest)
    assert (info.label, info.sha256) == ("events@1", digest)
    assert other.execute(LIST).fetchall() == [("moved",)]
    other.close()


def test_damaged_and_foreign_files_are_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    add(con, "view", "a")
    path = tmp_path / "m.sqlscore"
    sqlscore.export_model(con, "events@1", path)
    content = bytearray(path.read_bytes())
    with pytest.raises(ArtifactError, match="you expect 00"):
        sqlscore.import_model(con, path, sha256="00")
    content[-10] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="its header says"):
        sqlscore.import_model(con, path)
    path.write_bytes(b"PK\x03\x04 a pickle, perhaps")
    with pytest.raises(ArtifactError, match="not a file that sqlscore export wrote"):
        sqlscore.import_model(con, path)
    assert len(sqlscore.list_models(con)) == 1


def test_a_tampered_artifact_in_the_database_is_not_loaded(con: duckdb.DuckDBPyConnection) -> None:
    """Its bytes must have the hash that the registry has."""
    add(con, "view", "good")
    add(con, "view", "evil", champion=False)
    con.execute(
        "UPDATE sqlscore.models SET artifact = (SELECT artifact FROM sqlscore.models WHERE version = 2), "
        "sha256 = repeat('0', 64) WHERE version = 1"
    )
    sqlscore.promote(con, "events@1", force=True)
    with pytest.raises(duckdb.Error, match="changed or damaged and is not loaded"):
        con.execute(LIST).fetchall()


def test_columns_of_categories_keep_the_order_in_which_the_model_reads_them() -> None:
    """Sorted by name they would be taken for one another: an artifact that has lost the order is refused."""
    inputs = Inputs(("view",), {"tier": ("gold",), "brand": ("acme", "bolt")}, ("price",))
    manifest = replace(read_manifest(tiny_artifact()), inputs=inputs)
    found = Manifest.from_json(manifest.to_json())
    assert list(found.inputs.categorical.items()) == list(inputs.categorical.items())
    with pytest.raises(ArtifactError, match="lost the order of the categorical columns.*train again"):
        Manifest.from_json(replace(manifest, format=1).to_json())
    one = replace(manifest, inputs=Inputs(("view",), {"tier": ("gold",)}), format=1)
    assert Manifest.from_json(one.to_json()).inputs == one.inputs
