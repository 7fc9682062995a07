"""Figures that somebody edited in the tables of scores are noticed, whatever refreshes come between."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import open_shop
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.catalog import mapped
from sqlscore.score_tables.checksums import ENGINE
from sqlscore.score_tables.mark import edited_rows, read_mark

EDITS = {
    "scored_users": ("churn_risk = churn_risk / 2", "next_action = 'nothing'", "next_actions = next_actions[:1]",
                     "seconds_to_next_action = 1", "n_events = n_events + 1", "days_silent = 0", "model = 'm@9'"),
    "scored_sessions": ("n_events = 3", "session_end = session_end + INTERVAL 1 SECOND"),
    "user_states": ("hidden = list_transform(hidden, lambda x: x + 1e-3)", "standing = list_reverse(standing)",
                    "content = content + 1", "first_time = first_time - INTERVAL 1 SECOND"),
}  # fmt: skip


def edited(con: duckdb.DuckDBPyConnection) -> str | None:
    source = mapped(con, "events")
    mark = read_mark(con, source)
    assert mark is not None
    return edited_rows(con, source, mark)


@pytest.mark.parametrize("table", EDITS)
def test_an_edited_figure_is_noticed(table: str) -> None:
    """Of one row, and of the right shape."""
    with open_shop() as con:
        sqlscore.refresh(con)
        assert edited(con) is None
        for edit in EDITS[table]:
            con.execute("BEGIN")
            con.execute(f"UPDATE sqlscore.{table} SET {edit} WHERE user_id = 2")
            assert edited(con) == f"somebody changed figures in {table} since the last refresh", edit
            con.execute("ROLLBACK")


STEPS = st.lists(
    st.sampled_from(
        [
            "INSERT INTO e VALUES (1, TIMESTAMP '2024-01-03' + to_minutes((SELECT count(*) FROM e)), 'view', 1)",
            "INSERT INTO e VALUES (9, TIMESTAMP '2024-01-01 12:00:00', 'buy', 1)",
            "UPDATE e SET price = price + 1 WHERE user_id = 3",
            "DELETE FROM e WHERE user_id = 9",
            "",
        ]
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=4)
@given(steps=STEPS, append_only=st.booleans())
def test_what_refreshes_leave_has_the_sum_of_what_is_there(steps: list[str], append_only: bool) -> None:
    """An incremental refresh sums what it replaces, a full one all: both must fit the tables."""
    with open_shop(append_only=append_only) as con:
        sqlscore.refresh(con)
        for step in steps:
            if step.startswith("INSERT") or not append_only:
                con.execute(step or "SELECT 1")
            sqlscore.refresh(con, accept=True)
            assert edited(con) is None


def test_an_edit_stays_known_while_refreshes_replace_other_rows() -> None:
    """Until all users are scored again."""
    with open_shop() as con:
        sqlscore.refresh(con)
        con.execute("UPDATE sqlscore.user_states SET hidden = list_reverse(hidden) WHERE user_id = 2")
        con.execute("UPDATE sqlscore.scored_users SET next_action_probability = 1 WHERE user_id = 3")
        con.execute("INSERT INTO e VALUES (1, TIMESTAMP '2024-01-02', 'view', 1)")
        assert sqlscore.refresh(con).kind == "incremental"
        assert edited(con) == "somebody changed figures in scored_users and user_states since the last refresh"
        sqlscore.refresh(con, full=True)
        assert edited(con) is None


def test_a_forgotten_user_is_no_edit() -> None:
    with open_shop() as con:
        sqlscore.refresh(con)
        con.execute("DELETE FROM e WHERE user_id = 3")
        sqlscore.forget_user(con, 3)
        assert edited(con) is None


def test_sums_of_another_engine_are_not_compared() -> None:
    """It may hash otherwise; the next refresh sums anew."""
    with open_shop() as con:
        sqlscore.refresh(con)
        older = json.dumps({ENGINE: "v1"})
        con.execute("UPDATE sqlscore.refreshed SET checksums = json_merge_patch(checksums, ?)", [older])
        con.execute("UPDATE sqlscore.scored_users SET churn_risk = 0")
        assert edited(con) is None


def test_the_check_of_a_file_names_what_was_edited_and_what_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.refresh(con)
        con.execute("UPDATE sqlscore.scored_users SET churn_risk = 0.25 WHERE user_id = 2")
        assert not any("figures" in problem.what for problem in sqlscore.status(con).problems)
        (problem,) = [problem for problem in sqlscore.status(con, check=True).problems if "figures" in problem.what]
        assert "changed figures in scored_users since" in problem.what
        assert problem.command.split()[-1] == "--full"
    checked = CliRunner().invoke(app, ["status", str(path), "--check"])
    assert checked.exit_code == 3
    assert "changed figures in scored_users" in " ".join(checked.output.split())
