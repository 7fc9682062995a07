"""What a row of the playbook may say: a condition that runs over the signals and does nothing else, and a text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.decisions.playbook import read_playbook
from sqlscore.errors import DecisionError


@pytest.fixture(scope="module")
def signals(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file with two users' signals."""
    with sqlscore.connect(shutil.copy(empty_file, tmp_path_factory.mktemp("playbook") / "p.duckdb")) as con:
        con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type")
        sqlscore.map_events(con, "e")
        con.execute(
            """CREATE TABLE signals AS SELECT i AS user_id, 0.5::FLOAT + i / 10 AS churn_risk, 'failed step' AS driver,
               '{churn_risk} it''s' AS driver_action, ['a', 'b'] AS signs, now()::TIMESTAMP AS as_of
               FROM range(2) t(i)"""
        )
        yield con


@pytest.fixture
def con(signals: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same file, with an empty playbook."""
    signals.execute("DELETE FROM sqlscore.playbook")
    return signals


BAD = {
    "churn_risk >": "syntax error",
    "churn_risk": "it is DOUBLE",
    "nothing > 1": "nothing",
    "": "cannot be read|one condition",
    "true, false": "one condition",
    "true FROM e": "one condition",
    "true WHERE true": "one condition",
    "true LIMIT 1": "one condition",
    "true) FROM e --": "syntax error",
    "true; DROP TABLE e": "cannot be read",
    "max(churn_risk) > 0": "aggregate",
    "row_number() OVER () = 1": "window",
    "read_text('/etc/hostname') IS NOT NULL": "not for others|aggregate",
    "getenv('HOME') = ''": "not for others",
    "EXISTS (FROM read_csv('/etc/passwd'))": "not for others",
    "EXISTS (FROM '/etc/passwd')": "no table",
    "random() > 0.5": "otherwise the next time",
    "as_of < now()": "otherwise the next time",
}


@pytest.mark.parametrize("condition", BAD)
def test_a_condition_that_cannot_be_used_is_named(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    con.execute("INSERT INTO sqlscore.playbook (name, condition, action) VALUES ('bad one', ?, 'x')", [condition])
    with pytest.raises(DecisionError, match=rf'(?si)"bad one" in sqlscore.playbook.*({BAD[condition]}).*user_signals'):
        read_playbook(con, "sqlscore", "signals")


def test_a_message_is_put_together_once(con: duckdb.DuckDBPyConnection) -> None:
    """Names of actions are what strangers wrote: braces and quotes in them are text."""
    add = "INSERT INTO sqlscore.playbook (name, condition, action, message) VALUES ('m', 'churn_risk > 0.55', 'x', ?)"
    con.execute(add, ["{{{driver_action}}} ''' {signs}: {churn_risk}%s\\ {{user_id}}"])
    (play,) = read_playbook(con, "sqlscore", "signals")
    found = con.execute(f"SELECT {play.message} FROM signals WHERE {play.condition}").fetchall()
    assert found == [("{{churn_risk} it's} ''' a, b: 0.6%s\\ {user_id}",)]


NO_COLUMN = ("{user_id}", "{}", "{0}", "{driver.__class__}", "{driver", "driver}", "{driver!r}")


@pytest.mark.parametrize("message", NO_COLUMN)
def test_a_message_that_names_no_column_is_an_error(con: duckdb.DuckDBPyConnection, message: str) -> None:
    con.execute(
        "INSERT INTO sqlscore.playbook (name, condition, action, message) VALUES ('m', 'true', 'x', ?)", [message]
    )
    with pytest.raises(DecisionError, match=r'the message of "m" in sqlscore.playbook.*driver_action.*in braces'):
        read_playbook(con, "sqlscore", "signals")
