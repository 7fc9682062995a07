"""Whatever somebody changes in a table of sqlscore: verbs are right, or say in one sentence what to do."""

from __future__ import annotations

import warnings
from pathlib import Path

import duckdb
import pytest
from damaged_shop import TABLES, VERBS, base, edited, edits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.sound_rows import LOST_WITH_ROW, RULES, Rule, require_sound
from sqlscore.errors import DamagedTableError, SqlscoreError
from sqlscore.score_tables.sound_states import CHANGED
from sqlscore.sql.names import REGISTRY_TABLES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_a_table_ends_in_a_traceback(path: Path, table: str, data: st.DataObject) -> None:
    """Every verb after every edit; thousands were tried, a few are tried each time."""
    statement = data.draw(st.sampled_from(edits(table)))
    if not edited(path, statement):
        return
    with warnings.catch_warnings(action="ignore"):
        try:
            con = sqlscore.connect(path)
        except SqlscoreError as error:
            assert f"sqlscore.{table}" in str(error), statement  # noqa: PT017 - or it opens
            return
        with con:
            for verb in VERBS.values():
                try:
                    verb(con)
                except (SqlscoreError, duckdb.Error) as error:
                    assert str(error)  # noqa: PT017 - or the verb does without


def breaking(rule: Rule) -> str:
    """A statement after which the rule does not hold."""
    name = f"sqlscore.{rule.table}"
    if "count(*)" in rule.wrong:
        return f"INSERT INTO {name} FROM {name} LIMIT 1"
    if rule.table == "meta":
        return f"UPDATE {name} SET {rule.column} = NULL WHERE key = 'file'"
    kinds = {"isfinite": "'infinity'", "isnan": "'nan'", "json_type": "'[1]'", "< 1": "0"}
    return f"UPDATE {name} SET {rule.column} = {next((v for sign, v in kinds.items() if sign in rule.wrong), 'NULL')}"


@pytest.mark.parametrize("table", dict.fromkeys(rule.table for rule in RULES))
def test_a_wrong_value_is_named_and_its_remedy_mends_it(path: Path, table: str) -> None:
    """The sentence has table, column and value; what it says to run is enough, and the file scores again."""
    remedy = ""
    for rule in (rule for rule in RULES if rule.table == table):
        if not edited(path, breaking(rule)):
            continue
        said = rf"sqlscore.{table} with {rule.column} = .*: (lost is|that value is lost)"
        with pytest.raises(DamagedTableError, match=said) as raised:
            sqlscore.connect(path)
        remedy = remedy_in(raised.value)
        with duckdb.connect(path) as plain:
            plain.execute(remedy)
            require_sound(plain)
    with warnings.catch_warnings(action="ignore"), sqlscore.connect(path) as con:
        if table == "mappings":
            sqlscore.map_events(con, "e", features=["price"])
        if table != "models" or "UPDATE" in remedy:
            sqlscore.refresh(con)
            assert con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()
        sqlscore.status(con)


def remedy_in(error: BaseException) -> str:
    return str(error).partition(", or run ")[2].partition(" in DuckDB, then open")[0]


@pytest.mark.parametrize("table", REGISTRY_TABLES)
def test_a_column_that_is_gone_or_of_another_type_is_named_and_its_remedy_mends_it(path: Path, table: str) -> None:
    with duckdb.connect(base(), read_only=True) as con:
        columns = con.execute("SELECT name FROM pragma_table_info(?)", [f"sqlscore.{table}"]).fetchall()
    column = columns[-1][0]
    assert edited(path, f"ALTER TABLE sqlscore.{table} DROP COLUMN {column}")
    with pytest.raises(DamagedTableError, match=f"column {column} of sqlscore.{table} is gone") as raised:
        sqlscore.connect(path)
    with duckdb.connect(path) as plain:
        plain.execute(remedy_in(raised.value))
    with warnings.catch_warnings(action="ignore"):
        try:
            con = sqlscore.connect(path)
        except DamagedTableError as error:  # the values that stood in the column are needed
            with duckdb.connect(path) as plain:
                plain.execute(remedy_in(error))
            con = sqlscore.connect(path)
        with con:
            assert sqlscore.refresh(con).model.startswith("m@")


@pytest.mark.parametrize(
    "edit", ["hidden = NULL", "hidden = [1.0]", "standing = []", "n_unknown = -1", "content = NULL"]
)
def test_a_refresh_that_finds_other_states_than_it_stored_starts_over(path: Path, edit: str) -> None:
    assert edited(path, f"UPDATE sqlscore.user_states SET {edit}")
    with warnings.catch_warnings(action="ignore"), sqlscore.connect(path) as con:
        report = sqlscore.refresh(con)
        assert report.kind == "full"
        assert (report.reason or "").startswith(CHANGED)
        scores = "SELECT user_id, churn_risk, next_action FROM sqlscore.scored_users ORDER BY ALL"
        found = con.execute(scores).fetchall()
        sqlscore.refresh(con, full=True)
        assert con.execute(scores).fetchall() == found


def test_the_check_of_a_file_with_a_wrong_value_is_a_problem_found(path: Path) -> None:
    assert edited(path, "UPDATE sqlscore.models SET created_at = NULL")
    checked = CliRunner().invoke(app, ["status", str(path), "--check"])
    assert checked.exit_code == 3
    assert "sqlscore.models with created_at = NULL" in " ".join(checked.stderr.split())


def test_every_table_says_what_is_lost_with_a_row() -> None:
    assert {rule.table for rule in RULES if not rule.remedy} <= set(LOST_WITH_ROW)
