"""The linter as a table in SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import sqlscore

LEAK = "SELECT user_id, event_time, count(*) OVER (PARTITION BY user_id) AS n FROM clicks"


@pytest.fixture
def clicks(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(
        """CREATE TABLE clicks AS
           SELECT i % 3 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i::INT) AS event_time, 'view' AS event_type
           FROM range(30) t(i)"""
    )
    con.execute(f"CREATE VIEW counted AS {LEAK}")
    return con


def test_a_view_and_a_query_can_be_asked(clicks: duckdb.DuckDBPyConnection):
    found = clicks.sql("SELECT rule, column_name FROM sqlscore.lint('counted')").fetchall()
    assert found == clicks.execute("SELECT rule, column_name FROM sqlscore.lint(?)", [LEAK]).fetchall()
    assert found == [("whole-table", "n")]
    assert clicks.sql("FROM sqlscore.lint('clicks')").fetchall() == []


def test_it_sees_what_has_changed_since(clicks: duckdb.DuckDBPyConnection):
    query = "SELECT count(*) FROM sqlscore.lint('counted')"
    assert clicks.sql(query).fetchall() == [(1,)]
    clicks.execute("CREATE OR REPLACE VIEW counted AS SELECT user_id, event_time FROM clicks")
    assert clicks.sql(query).fetchall() == [(0,)]


def test_every_view_of_the_file_can_be_asked_at_once(clicks: duckdb.DuckDBPyConnection):
    query = """SELECT view_name, f.rule FROM duckdb_views() v, LATERAL (FROM sqlscore.lint(v.view_name)) f
               WHERE v.schema_name = 'main' AND NOT v.internal"""
    assert clicks.sql(query).fetchall() == [("counted", "whole-table")]


def test_another_connection_to_the_file_answers_once_the_first_is_closed(clicks: duckdb.DuckDBPyConnection):
    path = clicks.sql("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0]
    with sqlscore.connect(path) as other:
        clicks.close()
        assert other.sql("SELECT rule FROM sqlscore.lint('counted')").fetchall() == [("whole-table",)]


def test_no_file_is_read_in_sql(clicks: duckdb.DuckDBPyConnection, tmp_path: Path):
    (tmp_path / "secret.sql").write_text("SELECT 1 AS password")
    with pytest.raises(duckdb.Error, match="lint reads no files in SQL"):
        clicks.execute("FROM sqlscore.lint(?)", [str(tmp_path / "secret.sql")]).fetchall()
