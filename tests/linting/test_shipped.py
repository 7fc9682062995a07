"""What comes with sqlscore has no finding: views, macros, the dbt project, the examples of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.dbt.project import write_project
from sqlscore.sql.objects import objects

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
ARGUMENTS = {
    "feature_prospects": "'view'", "funnel": "['view', 'cart']", "score_diff": "'a@1', 'b@1'", "unknown_rate": "'a@1'",
    "judged_scores": "'scores', 'labels'", "evaluate_churn": "'scores', 'labels'", "lift_table": "'scores', 'labels'",
    "calibration_bins": "'scores', 'labels'", "threshold_table": "'scores', 'labels'",
    "evaluate_next_action": "'scores', 'events'", "drift": "'events', 'events'", "drift_bins": "'events', 'events'",
    "shares_of_bins": "'bins'", "drift_of_bins": "'bins'", "score_drift": "'scores', 'scores'",
    "score_drift_bins": "'scores', 'scores'",
}  # fmt: skip

LEFT_OUT = ("lint", "user_signals_with")
"""The linter itself, and what only joins macros that are tested here: putting all of these in place takes a minute."""


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory):
    """A file with the columns of the simulated shop, mapped."""
    with sqlscore.connect(tmp_path_factory.mktemp("lint") / "shop.duckdb") as con:
        con.execute(
            """CREATE TABLE events AS
               SELECT i % 40 AS user_id, TIMESTAMP '2025-01-01' + to_minutes((i * 7919) % 100000) AS event_time,
                      (['view', 'cart', 'purchase'])[1 + i % 3] AS event_type, i * 0.5 AS price, 'b' AS brand,
                      'c' AS channel
               FROM range(400) t(i)"""
        )
        sqlscore.map_events(con, "events", features=["price", "brand", "channel"])
        con.execute("CREATE TABLE scores AS SELECT 1 AS user_id, TIMESTAMP '2025-02-01' AS as_of, 0.5 AS churn_risk")
        con.execute("CREATE TABLE labels AS SELECT 1 AS user_id, TIMESTAMP '2025-02-01' AS as_of, true AS churned")
        yield con


@pytest.mark.parametrize("name", [item.name for item in objects() if item.kind == "view"])
def test_a_shipped_view_has_no_finding(con: duckdb.DuckDBPyConnection, name: str):
    assert [str(one) for one in sqlscore.lint(con, f"sqlscore.{name}").findings] == []


@pytest.mark.parametrize(
    "name", [item.name for item in objects() if " AS TABLE" in item.text and item.name not in LEFT_OUT]
)
def test_a_shipped_macro_has_no_finding(con: duckdb.DuckDBPyConnection, name: str):
    called = f"sqlscore.{name}({ARGUMENTS.get(name, '')})"
    assert [str(one) for one in sqlscore.lint(con, called).findings] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_have_no_finding(con: duckdb.DuckDBPyConnection, page: Path):
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL):
        assert [str(one) for one in sqlscore.lint(con, block).findings] == []


def test_the_dbt_project_has_no_finding(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    write_project(tmp_path / "scoring", str(tmp_path / "shop.duckdb"))
    report = sqlscore.lint(con, tmp_path / "scoring")
    assert [str(one) for one in report.findings] == []
    assert report.unread == ()
    assert report.n_texts == len(list((tmp_path / "scoring" / "models").rglob("*.sql")))
