"""The command `transpile`: to stdout, to a file, as JSON, from a file; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run, run_json
from small_shop import open_shop


@pytest.fixture
def db(tmp_path: Path) -> str:
    open_shop(tmp_path / "shop.duckdb").close()
    return str(tmp_path / "shop.duckdb")


def test_a_file_of_sql_is_written_as_a_file(db: str, tmp_path: Path) -> None:
    query, out = tmp_path / "days.sql", tmp_path / "days.spark.sql"
    query.write_text("-- a day\nSELECT date_trunc('day', event_time) AS day, count(*) AS n FROM e GROUP BY 1\n")
    assert run("transpile", db, query, "-o", out).exit_code == 0
    text = out.read_text()
    assert "DATE_TRUNC('DAY'" in text
    assert text.rstrip("\n") == run("transpile", db, query).stdout.rstrip("\n")
    assert run_json("transpile", db, query)["sql"] == text.rstrip("\n")


def test_a_refusal_is_an_exit_code_and_leaves_no_file(db: str, tmp_path: Path) -> None:
    out = tmp_path / "out.sql"
    done = run("transpile", db, "SELECT hash(event_type) FROM e", "-o", out)
    assert (done.exit_code, out.exists()) == (1, False)
    assert "write it otherwise" in " ".join(done.output.split())


def test_the_database_is_never_written_over(db: str) -> None:
    before = Path(db).read_bytes()
    assert run("transpile", db, "sqlscore.sessions", "-o", db).exit_code == 1
    assert Path(db).read_bytes() == before
