"""The command `spark-score` on files of Parquet: what it writes, goes on from, replaces and refuses."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from command_line import run, run_json
from small_shop import open_shop
from spark_here import require_spark
from spark_scores import assert_same_scores

import sqlscore

NEWER = "event_time >= '2024-01-01 06:00:00'"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file with a model, and its events in two files of Parquet."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        con.sql(f"FROM e WHERE NOT ({NEWER})").write_parquet(str(tmp_path / "older.parquet"))
        con.sql(f"FROM e WHERE {NEWER}").write_parquet(str(tmp_path / "newer.parquet"))
        sqlscore.refresh(con)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Options of a session for a test, on loopback."""
    require_spark()
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    settings = ("spark.ui.enabled=false", "spark.sql.shuffle.partitions=2", "spark.log.level=OFF")
    return ("--master", "local[2]", *(part for setting in settings for part in ("--conf", setting)))


def said(result: Any) -> str:
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.mark.slow
def test_scores_are_written_and_gone_on_from(shop: Path, tmp_path: Path, asked: tuple[str, ...]) -> None:
    """Day by day as docs/spark.md has it; each row says which model scored it, as of when, and in which run."""
    one, two = tmp_path / "one", tmp_path / "two"
    command = ["spark-score", shop, *asked]
    first = run_json(*command, "--events", tmp_path / "older.parquet", "--out", one, "--keep-states")
    assert first["tables"].keys() == {"scored_users", "scored_sessions", "user_states"}
    note = json.loads((one / "_sqlscore.json").read_text())
    assert {key: note[key] for key in first} == first | {
        key: first[key].replace("T", " ") for key in ("as_of", "scored_at")
    }
    columns = {"scored_users": "model, scored_at, as_of", "scored_sessions": "model, scored_at"}
    with duckdb.connect() as con:
        for table, names in columns.items():
            rows = con.sql(f"SELECT DISTINCT {names} FROM '{one}/{table}/*.parquet'").to_arrow_table().to_pylist()
            assert [{key: str(value).removesuffix("+00:00") for key, value in row.items()} for row in rows] == [
                {key: note[key] for key in names.split(", ")}
            ]
    done = run(*command, "--events", tmp_path / "newer.parquet", "--out", two, "--after", one, "--keep-states")
    assert done.exit_code == 0, done.output
    assert "by m@1 as of 2024-01-01 11:03:00" in " ".join(done.output.split())
    with sqlscore.connect(shop) as con:
        assert_same_scores(con, two, before=one)

    events = ("--events", tmp_path / "older.parquet", "--events", tmp_path / "newer.parquet")
    before = (two / "_sqlscore.json").read_bytes()
    assert "is there already: name another folder, or replace it (--replace)" in said(
        run(*command, *events, "--out", two)
    )
    assert (two / "_sqlscore.json").read_bytes() == before


@pytest.mark.slow
def test_what_cannot_be_met_is_said_and_writes_nothing(shop: Path, tmp_path: Path, asked: tuple[str, ...]) -> None:
    for options, message in REFUSED.items():
        done = run(
            "spark-score", shop, *asked, "--events", tmp_path / "older.parquet", "--out", tmp_path / "o", *options
        )
        assert message in said(done)
        assert not (tmp_path / "o").exists()
    (tmp_path / "o").mkdir()
    done = run(
        "spark-score", shop, *asked, "--events", tmp_path / "older.parquet", "--out", tmp_path / "o", "--replace"
    )
    assert "so sqlscore did not write it: name another folder" in said(done)


REFUSED = {
    ("--model", "nobody"): "there is no model 'nobody'",
    ("--mapping", "nobody"): "nobody",
    ("--as-of", "soon"): "as_of",
    ("--after", "nowhere"): "nowhere",
    ("--format", "parchment"): "parchment",
    ("--conf", "spark.sql.session.timeZone=America/New_York"): "time zone is America/New_York",
}
"""Options that cannot be met, and a part of what is said."""


@pytest.mark.slow
@pytest.mark.parametrize("master", ["nonsense", "local[x]"])
def test_a_master_that_is_none_is_named(shop: Path, tmp_path: Path, asked: tuple[str, ...], master: str) -> None:
    """One is refused before a Java process stands, the other by the session in it."""
    done = run("spark-score", shop, "--events", "e.parquet", "--out", tmp_path / "out", *asked, "--master", master)
    message = said(done)
    assert f"no Spark session could be started with master {master}" in message
    assert "look at --master" in message


def test_what_is_no_setting_is_refused(shop: Path, asked: tuple[str, ...]) -> None:
    done = run("spark-score", shop, "--events", "e.parquet", "--out", "out", "--conf", "memory=2g")
    assert "a setting of Spark is spark.KEY=VALUE, found 'memory=2g'" in said(done)


@pytest.mark.parametrize("options", [(), ("--events", "e"), ("--events", "e", "--out", "o", "--partitions", "0")])
def test_wrong_options_are_usage_errors(options: tuple[str, ...]) -> None:
    assert run("spark-score", "shop.duckdb", *options).exit_code == 2


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    message = said(run("spark-score", "shop.duckdb", "--events", "e.parquet", "--out", "out"))
    assert "Spark is scored with PySpark" in message
    assert "pip install 'sqlscore[spark]'" in message


def test_without_java_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("sqlscore.spark.start.require", lambda *_, **__: None)
    message = said(run("spark-score", "shop.duckdb", "--events", "e.parquet", "--out", "out"))
    assert "there is no java: install one (openjdk-17-jre-headless)" in message
