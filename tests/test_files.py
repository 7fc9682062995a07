"""No command loses what a file held: it is written whole, aside, and never over a database."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from small_shop import open_shop
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import MappingError, OutputError
from sqlscore.files import in_place_of

BOOM = "SELECT CASE WHEN i = 150000 THEN error('boom') ELSE i::VARCHAR END AS a FROM range(200000) t(i)"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A closed database with events and a model."""
    path = tmp_path / "shop.duckdb"
    open_shop(path).close()
    return path


def ran(*arguments: object) -> str:
    """What a command that has to fail says."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 1, result.output
    return result.output


def whole(db: Path) -> bool:
    with sqlscore.connect(db) as con:
        return con.execute("SELECT count(*) FROM e").fetchall() == [(40,)] and len(sqlscore.list_models(con)) == 1


def test_a_block_that_fails_leaves_the_old_file_alone(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("old")
    for fails in (True, False):
        try:
            with in_place_of(path) as partial:
                partial.write_text("new")
                if fails:
                    raise KeyError
        except KeyError:
            assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(OutputError, match="there is no folder"), in_place_of(tmp_path / "none" / "a"):
        pass


def test_a_model_is_written_over_a_model_alone(db: Path):
    events = db.with_name("events.parquet")
    duckdb.sql("SELECT 1 AS a").write_parquet(str(events))
    before = events.read_bytes()
    for taken in (db, events):
        assert "does not hold a model" in ran("export", db, taken)
    assert events.read_bytes() == before
    assert whole(db)
    with sqlscore.connect(db) as con:
        hashes = {sqlscore.export_model(con, None, db.with_name("m.sqlscore")) for _ in range(2)}
    assert len(hashes) == 1


@pytest.mark.parametrize("suffix", ["", ".wal"])
def test_a_result_is_not_written_over_the_database(db: Path, suffix: str):
    assert "is the database itself" in ran("sql", db, "SELECT 1 AS a", "-f", "csv", "-o", f"{db}{suffix}")
    assert whole(db)


@pytest.mark.parametrize(
    ("format_", "says"), [("csv", "boom"), ("json", "boom"), ("parquet", "boom"), ("table", "--format")]
)
def test_a_result_that_fails_leaves_the_last_one(db: Path, format_: str, says: str):
    """Of a nightly export, yesterday's is better than none."""
    old = db.with_name("result")
    old.write_text("yesterday")
    command = "import sys; from sqlscore.cli import main; main()"
    arguments = ["sql", str(db), BOOM, "-f", format_, "-o", str(old)]
    result = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert says in result.stderr
    assert old.read_text() == "yesterday"


def test_a_demo_that_fails_leaves_what_was_there(db: Path):
    events = db.with_name("events.parquet")
    duckdb.sql("SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS at, 'a' AS event_type").write_parquet(str(events))
    assert "exists" in ran("demo", db, "--events", events)
    assert '"event_time"' in ran("demo", db, "--force", "--events", events)
    assert 'no table, view or file "e"' in ran("demo", db, "--force", "--events", "e")
    assert whole(db)
    kept = db.with_name("shop.duckdb.before")
    kept.write_text("what a kill left")
    assert "was cut off" in ran("demo", db, "--force", "--events", events)
    assert kept.read_text() == "what a kill left"
    kept.unlink()
    assert whole(db)
    new = db.with_name("new.duckdb")
    assert '"event_time"' in ran("demo", new, "--events", events)
    assert sorted(p.name for p in db.parent.iterdir()) == ["events.parquet", "shop.duckdb"]


@pytest.mark.parametrize("into", ["e", "E", "main.e", "v", "sqlscore.models", "SQLSCORE.scored_users"])
def test_derived_tables_replace_no_events_views_or_own_tables(into: str):
    con = open_shop()
    con.execute("CREATE VIEW v AS FROM e")
    with pytest.raises(MappingError, match="choose another name"):
        sqlscore.score_history(con, into=into)
    with pytest.raises(MappingError, match="choose another name"):
        sqlscore.materialize(con, "e", into=into)
    assert con.execute("SELECT count(*) FROM e").fetchall() == [(40,)]


@pytest.mark.parametrize(
    "events",
    ["(SELECT * FROM e)", "SELECT * FROM e;", "FROM e -- all", "/* all */ FROM e", "-- all\nFROM e", '"main"."e"'],
)
def test_events_are_a_query_however_it_is_written(events: str):
    assert sqlscore.materialize(open_shop(), events, into="made").rows == 5
