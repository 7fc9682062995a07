"""A damaged model is found where it is read, and refused in one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from small_shop import gru_artifact, open_shop
from tiny_model import tiny_artifact
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.model_file import write_model_file
from sqlscore.database.registry import register
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.scoring.manifest import sha256_of
from sqlscore.scoring.torchscript import zipped


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has loaded a model goes on with it, and tests of other files load the same one."""
    monkeypatch.setattr("sqlscore.models.loading._loaded", {})


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def changed(**fields: object) -> Callable[[bytes], bytes]:
    """The artifact with other fields in its manifest, and a hash that is right."""

    def change(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(members["manifest.json"]) | fields
        return zipped((members | {"manifest.json": json.dumps(manifest).encode()}).items())

    return change


def damaged_file(path: Path, statement: str, values: list[object]) -> None:
    """A file with the model m@1, after the change."""
    open_shop(path).close()
    with duckdb.connect(str(path)) as con:
        con.execute(statement, values)


DAMAGE = {
    "flipped": "UPDATE sqlscore.models SET artifact = ?",
    "cut": "UPDATE sqlscore.models SET artifact = ?",
    "changed with its hash": "UPDATE sqlscore.models SET artifact = ?, sha256 = ?",
    "missing": "UPDATE sqlscore.models SET artifact = NULL",
    "empty manifest": "UPDATE sqlscore.models SET manifest = '{}'",
    "gone": "DELETE FROM sqlscore.models",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_champion_is_a_problem_and_never_a_traceback(tmp_path: Path, kind: str) -> None:
    """status --check exits with 3; what reads the model refuses it and names it."""
    path = tmp_path / "shop.duckdb"
    data = tiny_artifact(numeric=("price",), notes={"kind": kind})
    bad = {"flipped": flipped(data), "cut": data[:-200], "changed with its hash": b"PK\x03\x04" + data[4:600]}.get(kind)
    values: list[object] = [] if bad is None else [bad, sha256_of(bad)]
    damaged_file(path, DAMAGE[kind], values[: DAMAGE[kind].count("?")])
    found = CliRunner().invoke(app, ["status", str(path), "--check", "--json"])
    assert found.exit_code == 3
    said = [p["what"] for p in json.loads(found.stdout)["problems"]]
    assert any("m@1" in what and "cannot be used" in what for what in said), said
    assert CliRunner().invoke(app, ["models", str(path)]).exit_code == 0
    if kind == "empty manifest":
        return  # the artifact is sound: it scores, and an export and an import mend the row
    for arguments in (["refresh", str(path)], ["export", str(path), str(tmp_path / "out.sqlscore")]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 1, result.output
        assert "m@1" in result.stderr
        assert "Traceback" not in result.output
    assert not (tmp_path / "out.sqlscore").exists()


WRONG = {
    "no manifest": lambda data: b"not a zip",
    "no inputs": changed(inputs={}),
    "fewer actions": changed(inputs={"actions": ["view"], "categorical": {}, "numeric": ["price"], "sorts": {}}),
    "a column more": changed(
        inputs={"actions": ["view", "cart", "buy"], "categorical": {"a": ["x"]}, "numeric": ["price"], "sorts": {}}
    ),
    "another state": changed(state_size=7),
    "another representation": changed(embedding_size=7),
    "an unknown head": changed(heads=["next_action", "wisdom"]),
    "no head": changed(heads=[]),
    "no horizon": changed(horizon_seconds=None),
    "heads is a number": changed(heads=3),
    "a date that is none": changed(trained_from="yesterday"),
}


@pytest.mark.parametrize("architecture", ["tiny", "gru"])
@pytest.mark.parametrize("kind", WRONG)
def test_a_file_whose_hash_is_right_and_whose_content_is_not_is_not_registered(
    tmp_path: Path, kind: str, architecture: str
) -> None:
    """Neither one of this format nor an older one, whose hash the caller vouches for."""
    con = open_shop()
    if (kind, architecture) == ("a column more", "tiny"):
        pytest.skip("it reads no categories")
    sound = gru_artifact(3) if architecture == "gru" else tiny_artifact(numeric=("price",), notes={"kind": kind})
    data = WRONG[kind](sound)
    write_model_file(tmp_path / "m.sqlscore", data, sha256_of(data))
    with pytest.raises(ArtifactError, match="m.sqlscore is not registered"):
        sqlscore.import_model(con, tmp_path / "m.sqlscore", sha256=sha256_of(data))
    assert [m.label for m in sqlscore.list_models(con)] == ["m@1"]


def test_an_alias_to_a_version_that_is_gone_names_the_others() -> None:
    con = open_shop()
    register(con, tiny_artifact(), name="other", mapping="events", champion=False, verb="train")
    con.execute("UPDATE sqlscore.aliases SET version = 7")
    path = con.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()").fetchall()[0][0]
    con.close()
    with sqlscore.connect(path) as con, pytest.raises(ModelError, match="m@7, which sqlscore.models does not hold any"):
        sqlscore.refresh(con)
