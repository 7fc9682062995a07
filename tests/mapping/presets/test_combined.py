"""A known format together with what else `init` can say of events: groups, attributes, identities, other databases."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from made_exports import MADE, read_events
from same_scores import assert_equal_to_full
from tiny_model import tiny_artifact
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.registry import register
from sqlscore.simulation.claims import simulate_claims
from sqlscore.simulation.exports.ga4 import write_ga4
from sqlscore.simulation.exports.segment import write_segment
from sqlscore.simulation.xes_file import write_xes


def test_on_the_command_line_a_format_goes_with_groups_and_attributes(tmp_path: Path):
    """One command maps the export, the customers' attributes and the countries that end at their own dates."""
    made, db = write_ga4(tmp_path / "ga4", 24), tmp_path / "a.duckdb"
    users = [user for user in made.truth if not user.startswith("device:")]
    crm = ", ".join(f"('{user}', 'plan {len(user) % 3}')" for user in users)
    duckdb.sql(f"COPY (FROM (VALUES {crm}) t(customer, plan)) TO '{tmp_path / 'crm.csv'}'")
    said = ["--users", str(tmp_path / "crm.csv"), "--user-key", "customer", "--user-feature", "plan"]
    shown = CliRunner().invoke(app, ["init", str(db), "--from", "ga4", *made.paths, *said, "--group", "country"])
    assert shown.exit_code == 0, shown.output
    with sqlscore.connect(db, read_only=True) as con:
        (mapping,) = con.execute("SELECT mapping FROM sqlscore.mappings").fetchone() or ("",)
        found = con.execute("SELECT user_id, plan FROM sqlscore.user_attributes").fetchall()
    assert '"group":"country"' in mapping.replace(" ", "")
    expected = dict.fromkeys(made.truth) | {user: f"plan {len(user) % 3}" for user in users}
    assert dict(found) == expected


def test_a_table_of_identities_goes_before_the_logins(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Whoever the table says had the device; what an event says itself still wins."""
    made = write_ga4(tmp_path / "ga4", 12)
    sqlscore.map_export(con, "ga4", made.paths)
    con.execute("CREATE TABLE had AS SELECT DISTINCT device_id, 'owner ' || device_id AS user_id FROM ga4_events")
    report = sqlscore.map_export(con, "ga4", made.paths, identity="had")
    expected = con.execute(
        "SELECT coalesce(user_id, 'owner ' || device_id) AS u, count(*) FROM ga4_events GROUP BY 1 ORDER BY 1"
    ).fetchall()
    found = con.execute("SELECT user_id, count(*) FROM sqlscore.events GROUP BY 1 ORDER BY 1").fetchall()
    assert found == expected
    assert "devices whose user is known" not in report.rules


@pytest.mark.parametrize("preset", ["ga4", "segment"])
def test_an_export_that_is_kept_in_a_table_has_the_same_events(
    preset: str, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """The files may then go; with later rows, incremental is full, and the same files again change nothing."""
    first = MADE[preset](tmp_path, 20, seed=4, arrived=0.6)
    plain = sqlscore.map_export(con, preset, first.paths, name="plain")
    report = sqlscore.map_export(con, preset, first.paths, copy=True)
    assert report.rules == plain.rules
    assert read_events(con, report.events.mapping.order) == first.truth
    again = sqlscore.map_export(con, preset, first.paths, copy=True)
    assert again.events.unchanged
    assert not [said for said in again.events.warnings if "read anew" in said]
    register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    sqlscore.refresh(con)
    later = MADE[preset](tmp_path, 20, seed=4)
    sqlscore.map_export(con, preset, later.paths, copy=True)
    sqlscore.refresh(con)
    assert read_events(con, report.events.mapping.order) == later.truth
    assert_equal_to_full(con)


def test_an_export_in_another_database_is_named_there(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """As a schema of an attached one, whose tables are the export's, or as a table of a DuckDB file."""
    made = write_segment(tmp_path, 20)
    with duckdb.connect(tmp_path / "lake.duckdb") as lake:
        lake.execute("CREATE SCHEMA web")
        for file in tmp_path.glob("*.csv"):
            lake.execute(f"CREATE TABLE web.{file.stem} AS FROM read_csv(?, all_varchar = true)", [str(file)])
        ga4 = write_ga4(tmp_path / "ga4", 8)
        lake.execute(f"CREATE TABLE ga4 AS FROM read_json('{tmp_path / 'ga4' / 'events_2*'}')")
    attach = {"lake": str(tmp_path / "lake.duckdb")}
    assert "read_duckdb(" in sqlscore.export_sql(con, "segment", "lake.web", attach=attach)
    report = sqlscore.map_export(con, "segment", "lake.web", attach=attach)
    assert read_events(con, report.events.mapping.order) == made.truth
    assert [database.target for database in report.events.mapping.attached] == [str(tmp_path / "lake.duckdb")]
    report = sqlscore.map_export(con, "ga4", tmp_path / "lake.duckdb", table_name="ga4", force=True)
    assert read_events(con, report.events.mapping.order) == ga4.truth


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (["--user-id", "visitor"], "the format says it"),
        (["--order", "c"], "the format says it"),
        (["--append-only"], "rows come late and twice"),
        (["--source", "x"], "map it first"),
        (["--level", "country"], "have one level"),
    ],
)
def test_what_contradicts_a_format_is_refused_with_the_reason(option: list[str], why: str, tmp_path: Path):
    db = tmp_path / "a.duckdb"
    said = CliRunner().invoke(app, ["init", str(db), "--from", "ga4", "x.json", *option])
    assert said.exit_code == 2
    told = " ".join(said.output.replace("│", " ").split())
    assert option[0] in told
    assert why in told
    assert not db.exists()


def test_an_identical_log_changes_nothing_and_says_so(tmp_path: Path):
    db, log = tmp_path / "a.duckdb", tmp_path / "log.xes"
    write_xes(simulate_claims(20, seed=6), log)
    asked = ["init", str(db), "--from", "xes", str(log)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0
    assert "nothing was changed" in said.output
    assert "read anew" not in said.output


@pytest.mark.parametrize("preset", ["snowplow", "segment"])
def test_a_warehouse_may_write_names_in_capitals(preset: str, con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Snowflake does, and what it unloads has them in the header."""
    made = MADE[preset](tmp_path, 12)
    for file in tmp_path.rglob("*.csv"):
        header, _, rows = file.read_text(encoding="utf-8").partition("\n")
        file.write_text(f"{header.upper()}\n{rows}", encoding="utf-8")
    report = sqlscore.map_export(con, preset, made.paths)
    assert read_events(con, report.events.mapping.order) == made.truth
