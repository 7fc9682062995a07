"""A table of the registry that was dropped is named, with what is lost, and made anew when the file is opened."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest
from small_shop import open_shop
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.leaderboard import write_leaderboard
from sqlscore.database.lost_tables import LOST_WITH, NEEDED
from sqlscore.errors import GuardWarning, InstallError, ModelError, SqlscoreError
from sqlscore.sql.names import MAPPING_TABLES, REGISTRY_TABLES


@pytest.mark.parametrize("name", REGISTRY_TABLES)
def test_opening_the_file_makes_a_dropped_table_anew(tmp_path: Path, name: str) -> None:
    con = open_shop(tmp_path / "shop.duckdb")
    con.execute(f"DROP TABLE sqlscore.{name}")
    con.close()
    with pytest.warns(UserWarning, match=rf"a table of sqlscore is gone: sqlscore.{name} \(.*made anew"):
        con = sqlscore.connect(tmp_path / "shop.duckdb")
    defaults = pytest.warns(GuardWarning, match="25.0% of the events") if name == "guards" else nullcontext()
    with con:
        con.execute(f"FROM sqlscore.{name}").fetchall()
        if name == "mappings":
            sqlscore.map_events(con, "e", features=["price"])
        if name == "models":
            with pytest.raises(ModelError, match="m@1, which sqlscore.models does not hold any more"):
                sqlscore.refresh(con)
            return
        with defaults:
            assert sqlscore.refresh(con).model == "m@1"
        assert con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()
        assert con.execute("SELECT * FROM sqlscore.versions").fetchall() == [("m", 1)]
        sqlscore.map_events(con, "e", features=["price"])


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_opened_for_reading_says_what_is_gone(tmp_path: Path, name: str) -> None:
    con = open_shop(tmp_path / "shop.duckdb")
    con.execute(f"DROP TABLE sqlscore.{name}")
    con.close()
    with pytest.raises(InstallError, match=f"sqlscore.{name} .*open it once without read_only=True"):
        sqlscore.connect(tmp_path / "shop.duckdb", read_only=True)


@pytest.mark.parametrize("name", NEEDED)
def test_the_check_of_a_file_without_a_table_is_a_problem_found(tmp_path: Path, name: str) -> None:
    """A script tells what to mend from a check that could not be made by the exit code alone."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        con.execute(f"DROP TABLE sqlscore.{name}")
    checked = CliRunner().invoke(app, ["status", str(path), "--check"])
    assert checked.exit_code == 3
    assert f"sqlscore.{name}" in checked.stderr
    assert CliRunner().invoke(app, ["status", str(path)]).exit_code == 1
    assert CliRunner().invoke(app, ["status", str(tmp_path / "none.duckdb"), "--check"]).exit_code == 1


@pytest.mark.parametrize("name", ["mappings", "models", "aliases", "runs"])
def test_a_verb_says_what_is_gone(name: str) -> None:
    """In the process that dropped it."""
    con = open_shop()
    con.execute(f"DROP TABLE sqlscore.{name}")
    for verb in (sqlscore.status, lambda con: sqlscore.map_events(con, "e"), sqlscore.unmap):
        try:
            verb(con)
        except SqlscoreError as error:
            assert f"sqlscore.{name}" in str(error)  # noqa: PT017 - a verb may as well do without the table


KEPT = (
    "objects",
    "policy",
    "versions",
    "guards",
    "event_profiles",
    "champions",
    "leaderboard",
    "refreshed",
    "user_states",
)
VIEWS = ("events", "high_water", "sessions", "past_scores", "judged_past_scores", "segment_summary")


@pytest.mark.parametrize("name", [*KEPT, *VIEWS])
def test_status_names_what_is_gone_and_the_next_command_mends_it(tmp_path: Path, name: str) -> None:
    """Whatever was dropped: no verb ends in an error of the engine's, and the next command makes it anew."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.refresh(con)
    with sqlscore.connect(path) as con:
        kind = "VIEW" if name in VIEWS else "TABLE"
        con.execute(f"DROP {kind} sqlscore.{name}")
        assert said_gone(con, name)
        for verb in (
            lambda con: sqlscore.refresh(con, keep_history=True),
            lambda con: sqlscore.map_events(con, "e", features=["price"]),
            lambda con: write_leaderboard(con, "sqlscore", []),
        ):
            try:
                with warnings.catch_warnings(action="ignore"):
                    verb(con)
            except SqlscoreError as error:
                assert f"sqlscore.{name}" in str(error)  # noqa: PT017 - a verb may as well do without it
    with warnings.catch_warnings(action="ignore"), sqlscore.connect(path) as con:
        sqlscore.refresh(con)
        con.execute(f"FROM sqlscore.{name}").fetchall()
        assert not said_gone(con, name)


@pytest.mark.parametrize("name", ["objects", "versions", "aliases"])
def test_a_table_that_others_can_fill_is_filled_again(tmp_path: Path, name: str) -> None:
    """Emptied, it made `unmap` and `init` take sqlscore's functions for the user's, or the model for none."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.promote(con, "m@1")
        held = con.execute(f"FROM sqlscore.{name} ORDER BY ALL").fetchall()
        con.execute(f"DELETE FROM sqlscore.{name}")
        problems = {problem.what: problem.command.split()[:2] for problem in sqlscore.status(con).problems}
        (said,) = [what for what in problems if f"sqlscore.{name}" in what]
        assert said.startswith(f"a table of sqlscore is empty: sqlscore.{name} (")
        assert problems[said] == ["sqlscore", "refresh"]
    with pytest.warns(UserWarning, match=rf"is empty: sqlscore.{name} \(.*filled again"):
        con = sqlscore.connect(path)
    with con:
        assert con.execute(f"FROM sqlscore.{name} ORDER BY ALL").fetchall() == held
        assert sqlscore.refresh(con).model == "m@1"
        sqlscore.unmap(con)


def test_a_mapping_with_a_model_and_no_champion_is_told_to_promote_it(tmp_path: Path) -> None:
    with open_shop(tmp_path / "shop.duckdb") as con:
        con.execute("DELETE FROM sqlscore.aliases; DELETE FROM sqlscore.champions")
        (problem,) = [p for p in sqlscore.status(con).problems if "champion" in p.what]
        assert problem.what == '"events" has no champion'
        assert problem.command.split()[:2] == ["sqlscore", "promote"]
        assert problem.command.endswith("m@1")


def said_gone(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return any("gone" in problem.what and name in problem.what for problem in sqlscore.status(con).problems)


def test_what_a_second_mapping_lost_is_named_in_its_schema(tmp_path: Path) -> None:
    with open_shop(tmp_path / "shop.duckdb") as con:
        sqlscore.map_events(con, "e", features=["price"], name="orders")
        con.execute("DROP TABLE sqlscore_orders.leaderboard")
        (said,) = [p.what for p in sqlscore.status(con).problems if "gone" in p.what]
        assert said == (
            "a table of sqlscore is gone: sqlscore_orders.leaderboard (the newest comparison: compare again "
            "(sqlscore compare))"
        )


def test_each_table_says_what_is_lost_with_it() -> None:
    """The two that a refresh makes are named by the state of the scores."""
    assert {*REGISTRY_TABLES, *MAPPING_TABLES} - {"refreshed", "user_states"} <= set(LOST_WITH)


EDITS = {
    "mappings": "UPDATE sqlscore.mappings SET mapping = '{}'",
    "event_profiles": "UPDATE sqlscore.event_profiles SET n_events = NULL",
    "findings": "UPDATE sqlscore.event_profiles SET findings = '[1]'",
}


@pytest.mark.parametrize("kind", EDITS)
def test_a_row_that_somebody_changed_is_named_with_its_remedy(tmp_path: Path, kind: str) -> None:
    """No verb ends in a traceback, and the remedy mends it."""
    path, name = tmp_path / "shop.duckdb", "mappings" if kind == "mappings" else "event_profiles"
    with open_shop(path) as con:
        sqlscore.refresh(con)
    with duckdb.connect(path) as plain:
        plain.execute(EDITS[kind])
    for verb in ("status", "refresh"):
        said = CliRunner().invoke(app, [verb, str(path)])
        assert said.exit_code == 1
        assert f"sqlscore.{name}" in " ".join(said.stderr.split())
        assert f"DELETE FROM sqlscore.{name} WHERE" in " ".join(said.stderr.split())
    with duckdb.connect(path) as plain:
        plain.execute(f"DELETE FROM sqlscore.{name}")
    with sqlscore.connect(path) as con:
        sqlscore.map_events(con, "e", features=["price"])
        assert sqlscore.refresh(con).model == "m@1"
