"""Tables of scores that were cut or dropped are written anew by the next refresh, and status says so."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.errors import PublishError

CUTS = {
    "half of the users": "DELETE FROM sqlscore.scored_users WHERE user_id > 2",
    "half of the sessions": "DELETE FROM sqlscore.scored_sessions WHERE user_id > 2",
    "all sessions": "DELETE FROM sqlscore.scored_sessions",
    "a state": "DELETE FROM sqlscore.user_states WHERE user_id = 2",
    "users twice": "INSERT INTO sqlscore.scored_users FROM sqlscore.scored_users",
    "users dropped": "DROP TABLE sqlscore.scored_users",
    "sessions dropped": "DROP TABLE sqlscore.scored_sessions",
    "states dropped": "DROP TABLE sqlscore.user_states",
    "all dropped": "DROP TABLE sqlscore.scored_users; DROP TABLE sqlscore.scored_sessions; "
    "DROP TABLE sqlscore.user_states; DROP TABLE sqlscore.refreshed",
}
COUNTS = [
    f"SELECT * EXCLUDE (scored_at) FROM sqlscore.{name} ORDER BY ALL" for name in ("scored_users", "scored_sessions")
]
COMMENTS = """SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'sqlscore'
              AND table_name IN ('scored_users', 'scored_sessions') ORDER BY ALL"""


@pytest.mark.parametrize("append_only", [False, True])
@pytest.mark.parametrize("kind", CUTS)
def test_what_was_cut_or_dropped_is_written_anew(kind: str, append_only: bool) -> None:
    con = open_shop(append_only=append_only)
    sqlscore.refresh(con)
    if kind == "users twice":
        names = con.sql("FROM sqlscore.scored_users").columns
        stored = [n for n in names if n not in ("days_silent", "is_active", "days_to_next_action")]
        CUTS[kind] = f"INSERT INTO sqlscore.scored_users BY NAME SELECT {', '.join(stored)} FROM sqlscore.scored_users"
    whole = [con.execute(query).fetchall() for query in (*COUNTS, COMMENTS)]
    con.execute(CUTS[kind])
    problems = [problem for problem in sqlscore.status(con).problems if "score" in problem.what]
    expected = [] if kind == "states dropped" else [["sqlscore", "refresh"]]  # the scores are whole then
    assert [p.command.split()[:2] for p in problems] == expected
    report = sqlscore.refresh(con)
    assert report.kind == "full"
    assert [con.execute(query).fetchall() for query in (*COUNTS, COMMENTS)] == whole
    assert not [problem for problem in sqlscore.status(con).problems if "score" in problem.what]
    assert sqlscore.refresh(con).kind == "incremental"


def test_the_reason_names_the_table_and_the_rows() -> None:
    con = open_shop()
    sqlscore.refresh(con)
    con.execute(CUTS["half of the users"])
    assert sqlscore.refresh(con).reason == "scored_users has 3 rows, the last refresh left 5 in it"


def test_a_forgotten_user_is_not_taken_for_a_lost_row() -> None:
    con = open_shop()
    sqlscore.refresh(con)
    con.execute("DELETE FROM e WHERE user_id = 3")
    sqlscore.forget_user(con, 3)
    assert not [problem for problem in sqlscore.status(con).problems if "not whole" in problem.what]
    assert sqlscore.refresh(con).kind == "incremental"


@pytest.mark.parametrize("kind", ["half of the users", "all sessions", "users dropped", "sessions dropped"])
def test_scores_that_are_not_whole_are_not_published_over_whole_ones(kind: str, tmp_path: Path) -> None:
    """The target keeps what it has; a refresh makes them whole."""
    con, target = open_shop(), tmp_path / "bi.duckdb"
    sqlscore.refresh(con)
    sqlscore.publish(con, target)
    con.execute(CUTS[kind])
    with pytest.raises(
        PublishError, match=r'scores of "events" are not whole: scored_\w+ .* `sqlscore refresh` writes'
    ):
        sqlscore.publish(con, target)
    with duckdb.connect(str(target), read_only=True) as bi:
        assert bi.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(5,)]
    sqlscore.refresh(con)
    assert sqlscore.publish(con, target).tables["scored_users"].rows == 5


def test_lost_states_hinder_no_publication(tmp_path: Path) -> None:
    con = open_shop()
    sqlscore.refresh(con)
    con.execute(CUTS["a state"])
    assert sqlscore.publish(con, tmp_path / "bi.duckdb").tables["scored_users"].rows == 5
