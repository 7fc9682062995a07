"""Score tables of the user's own, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from command_line import EVENTS, run
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register


@pytest.fixture(scope="module")
def over_a_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose events are a file, so that it has no table of that name."""
    folder = tmp_path_factory.mktemp("tables")
    duckdb.sql(EVENTS).write_parquet(str(folder / "clicks.parquet"))
    with sqlscore.connect(folder / "shop.duckdb") as con:
        sqlscore.map_events(con, str(folder / "clicks.parquet"), features=["price"])
        register(con, tiny_artifact(numeric=("price",)), name="events", mapping="events", champion=True, verb="train")
    return folder / "shop.duckdb"


def test_materialize_makes_a_table_of_the_users_of_a_query(over_a_file: Path) -> None:
    result = run("materialize", over_a_file, "FROM sqlscore.events WHERE user_id < 7", "--into", "some scores")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "some scores: 7 users, scored by events@1\n"
    with duckdb.connect(over_a_file) as con:
        assert con.execute('SELECT count(churn_risk) FROM "some scores"').fetchall() == [(7,)]


def test_history_refuses_a_model_without_a_state_after_every_event(over_a_file: Path) -> None:
    data = tiny_artifact(numeric=("price",), max_events=3)
    with sqlscore.connect(over_a_file) as con:
        register(con, data, name="window", mapping="events", champion=False, verb="train")
    refused = run("history", over_a_file, "--into", "h", "--model", "window@1", "--json")
    assert refused.exit_code == 1
    assert "reads a window" in refused.stderr


@pytest.mark.parametrize("query", ["FROM events LIMIT 5", "FROM mapping", "FROM con"])
def test_a_name_in_a_query_is_never_a_variable_of_ours(over_a_file: Path, query: str) -> None:
    """The engine would look for a name that it does not know among the variables of the Python that asks."""
    result = run("materialize", over_a_file, query, "--into", "made", "--json")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert "does not exist" in result.stderr
    assert "Python" not in result.stderr
    with duckdb.connect(over_a_file) as con:
        assert json.dumps(con.execute("SHOW TABLES").fetchall()).count('"made"') == 0
