"""`vacuum`: what is old goes, what the file holds stays, and a copy takes its place only if it is the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from damaged_shop import base
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import InstallError
from sqlscore.upkeep import rewriting

OLD = """UPDATE sqlscore.past_scores SET scored_at = scored_at - INTERVAL 100 DAY WHERE user_id < 2;
         UPDATE sqlscore.runs SET started_at = started_at - INTERVAL 100 DAY;
         INSERT INTO sqlscore.runs BY NAME SELECT * REPLACE (started_at - INTERVAL 1 DAY AS started_at)
             FROM sqlscore.runs WHERE verb = 'refresh'"""
OF_THE_USER = (
    "CREATE SEQUENCE numbers START 5", "SELECT nextval('numbers')", "CREATE TYPE mood AS ENUM ('good', 'bad')",
    "CREATE TABLE orders (i INT PRIMARY KEY DEFAULT nextval('numbers'), m mood, twice INT GENERATED ALWAYS AS (i * 2))",
    "CREATE TABLE lines (j INT REFERENCES orders (i), k VARCHAR NOT NULL CHECK (k <> ''))", "CREATE SCHEMA other",
    "INSERT INTO orders (m) VALUES ('good')", "INSERT INTO lines VALUES (6, 'x')", "CREATE INDEX by_k ON lines (k)",
    "CREATE VIEW b AS FROM orders", "CREATE VIEW a AS FROM b", "CREATE MACRO plus(x, y := 3) AS x + y",
    "CREATE MACRO order_of(x) AS TABLE SELECT * FROM a WHERE i = x", "COMMENT ON COLUMN lines.k IS 'a line'",
    "CREATE TABLE other.noted AS SELECT 0 AS n",
    "CREATE TRIGGER note AFTER INSERT ON lines FOR EACH STATEMENT INSERT INTO other.noted SELECT 1",
    "CREATE TABLE big AS SELECT i, hash(i) AS h FROM range(200000) t(i)", "DELETE FROM big WHERE i > 10",
)  # fmt: skip
"""One of everything that a user may keep in the file, and a table that leaves holes."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    shutil.copy(base(), tmp_path / "shop.duckdb")
    return tmp_path / "shop.duckdb"


def test_what_is_older_than_the_span_goes_and_the_span_is_kept(path: Path) -> None:
    """The newest run of a verb stays, however old; a later refresh that keeps its scores goes by the stored span."""
    with duckdb.connect(path) as plain:
        plain.execute(OLD)
    assert sqlscore.vacuum(path).removed == {"sqlscore.runs": 0, "sqlscore.past_scores": 0}
    report = sqlscore.vacuum(path, keep="90 days")
    assert report.keep == "90 days"
    assert report.removed["sqlscore.past_scores"] == 2
    assert report.removed["sqlscore.runs"] >= 1
    with sqlscore.connect(path) as con:
        assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'refresh'").fetchall() == [(1,)]
        con.execute("UPDATE sqlscore.past_scores SET scored_at = scored_at - INTERVAL 91 DAY")
        sqlscore.refresh(con, keep_history=True, accept=True)
        assert con.execute("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(5,)]


def test_a_rewritten_file_is_smaller_and_holds_all_that_it_held(path: Path) -> None:
    with duckdb.connect(path) as plain:
        for statement in OF_THE_USER:
            plain.execute(statement)
    report = sqlscore.vacuum(path, rewrite=True)
    assert report.rewritten
    assert report.bytes_after < report.bytes_before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with sqlscore.connect(path) as con:
        con.execute("INSERT INTO lines VALUES (6, 'y')")
        assert con.execute("FROM other.noted ORDER BY n").fetchall() == [(0,), (1,)]
        assert con.execute("SELECT nextval('numbers'), plus(1), (SELECT twice FROM order_of(6))").fetchall() == [
            (7, 4, 12)
        ]
        assert sqlscore.refresh(con, accept=True).kind == "incremental"
        assert sqlscore.status(con, check=True).problems == ()
        assert con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()


def test_a_copy_that_differs_does_not_take_the_place_of_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(rewriting, "_summed", lambda con, name, database: (name, database))
    with pytest.raises(InstallError, match=r"was not rewritten, and is as it was: a copy has other rows of"):
        sqlscore.vacuum(path, rewrite=True)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with duckdb.connect(path, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(5,)]
    assert len(path.read_bytes()) >= len(before) // 2


def test_a_file_that_is_open_is_not_rewritten(path: Path) -> None:
    with sqlscore.connect(path) as con:
        with pytest.raises(InstallError, match="is open elsewhere in this process"):
            sqlscore.vacuum(path, rewrite=True)
        with pytest.raises(InstallError, match="close the connection, and pass the path"):
            sqlscore.vacuum(con, rewrite=True)
        assert sqlscore.vacuum(con).rewritten is False


def test_the_command_says_what_went(path: Path) -> None:
    with duckdb.connect(path) as plain:
        plain.execute(OLD)
    shown = CliRunner().invoke(app, ["vacuum", str(path), "--keep", "90 days"])
    assert shown.exit_code == 0
    assert "2 rows of sqlscore.past_scores" in " ".join(shown.output.split())
