"""The ways to name an export: on the command line, and as tables of the database."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from made_exports import read_events
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.simulation.exports.ga4 import write_ga4
from sqlscore.simulation.exports.mixpanel import write_mixpanel
from sqlscore.simulation.exports.segment import write_segment


def test_show_sql_prints_a_view_that_runs_and_makes_nothing(tmp_path: Path):
    made = write_ga4(tmp_path / "ga4", 8)
    db = tmp_path / "a.duckdb"
    shown = CliRunner().invoke(app, ["init", str(db), "--from", "ga4", *made.paths, "--show-sql"])
    assert shown.exit_code == 0
    assert not db.exists()
    assert "-- mapped with --events ga4_events --device-id device_id --order batch_page_id," in shown.stdout
    with duckdb.connect() as con:
        con.execute(shown.stdout)
        row = con.execute("SELECT count(*) FROM ga4_events").fetchone()
    assert row == (sum(map(len, made.truth.values())),)


def test_what_the_format_settles_is_refused_and_leaves_no_file(tmp_path: Path):
    db = tmp_path / "a.duckdb"
    said = CliRunner().invoke(app, ["init", str(db), "--from", "ga4", "x.json", "--user-id", "visitor"])
    assert said.exit_code == 2
    assert "--user-id" in said.output
    assert CliRunner().invoke(app, ["init", str(db), "--from", "ga4", "x.json"]).exit_code == 1
    assert not db.exists()


def test_a_schema_of_the_database_is_segments_tables(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    made = write_segment(tmp_path, 20)
    con.execute("CREATE SCHEMA shop")
    for file in tmp_path.glob("*.csv"):
        con.execute(f"CREATE TABLE shop.{file.stem} AS FROM read_csv(?, all_varchar = true)", [str(file)])
    report = sqlscore.map_export(con, "segment", "shop")
    assert read_events(con, report.events.mapping.order) == made.truth


@pytest.mark.parametrize(("zone", "hours"), [("America/Los_Angeles", 8), ("Asia/Tokyo", -9)])
def test_times_of_an_old_mixpanel_project_are_in_its_zone(
    zone: str, hours: int, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    made = write_mixpanel(tmp_path, 8)
    report = sqlscore.map_export(con, "mixpanel", made.paths, options={"time_zone": zone})
    found = read_events(con, report.events.mapping.order)
    moved = {user: [(time + hours * 3_600_000_000, action) for time, action in made.truth[user]] for user in made.truth}
    assert found == moved
