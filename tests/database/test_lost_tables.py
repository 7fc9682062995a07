"""A table of the registry that was dropped is named, with what is lost, and made anew when the file is opened."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.database.lost_tables import LOST_WITH, NEEDED
from sqlscore.errors import InstallError, ModelError, SqlscoreError
from sqlscore.sql.names import REGISTRY_TABLES


@pytest.mark.parametrize("name", REGISTRY_TABLES)
def test_opening_the_file_makes_a_dropped_table_anew(tmp_path: Path, name: str) -> None:
    con = open_shop(tmp_path / "shop.duckdb")
    con.execute(f"DROP TABLE sqlscore.{name}")
    con.close()
    with pytest.warns(UserWarning, match=rf"a table of sqlscore is gone: sqlscore.{name} \(.*made anew"):
        con = sqlscore.connect(tmp_path / "shop.duckdb")
    with con, warnings.catch_warnings():
        warnings.simplefilter("error")
        con.execute(f"FROM sqlscore.{name}").fetchall()
        if name == "mappings":
            sqlscore.map_events(con, "e", features=["price"])
        if name == "models":
            with pytest.raises(ModelError, match="m@1, which sqlscore.models does not hold any more"):
                sqlscore.refresh(con)
            return
        warnings.simplefilter("default")
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


@pytest.mark.parametrize("name", ["objects", "policy", "versions"])
def test_status_names_what_is_gone(name: str) -> None:
    con = open_shop()
    con.execute(f"DROP TABLE sqlscore.{name}")
    assert any(f"sqlscore.{name}" in problem.what for problem in sqlscore.status(con).problems)


def test_each_table_says_what_is_lost_with_it() -> None:
    assert set(LOST_WITH) <= set(REGISTRY_TABLES)
