"""The models of a dbt project, with Jinja, macros, variables and references, as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_cases import tables

import sqlscore
from sqlscore.linting.report import LintReport

PROJECT = Path(__file__).parent / "dbt_project"
LEAKY = sorted(path.stem for path in (PROJECT / "models").glob("leaks_*.sql"))


@pytest.fixture(scope="module")
def report() -> LintReport:
    with sqlscore.connect(":memory:") as con, tables() as known:
        for (name,) in known.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            con.from_arrow(known.table(name).to_arrow_table()).create(name)
        sqlscore.map_events(con, "events", features=["price", "brand"])
        return sqlscore.lint(con, PROJECT)


@pytest.mark.parametrize("model", LEAKY)
def test_a_model_that_leaks_is_found_by_its_rule(report: LintReport, model: str):
    rules = {one.rule for one in report.findings if f"{model}.sql" in one.place}
    assert rules == {model.removeprefix("leaks_").replace("_", "-")}


def test_the_other_models_have_no_finding(report: LintReport):
    assert [str(one) for one in report.findings if "leaks_" not in one.place] == []
    assert report.unread == ()
    assert report.n_texts == len(list((PROJECT / "models").glob("*.sql")))
