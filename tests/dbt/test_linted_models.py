"""dbt asks the linter at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_run import run_dbt

import sqlscore
from sqlscore.dbt.project import write_project

LEAK = "SELECT user_id, event_time, avg(price) OVER (PARTITION BY user_id) AS mean_price FROM {{ ref('shopped') }}"
PAST = LEAK.replace("user_id) AS", "user_id ORDER BY event_time) AS")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The package as a project of the user's, whose models are two of their own."""
    with sqlscore.connect(tmp_path / "shop.duckdb") as con:
        con.execute(
            """CREATE TABLE clicks AS SELECT i % 9 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i::INT) AS event_time,
               'it''s' AS event_type, i AS price FROM range(90) t(i)"""
        )
        sqlscore.map_events(con, "clicks")
    write_project(tmp_path / "scoring", str(tmp_path / "shop.duckdb"))
    folder = tmp_path / "mine"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: mine\nprofile: sqlscore\nversion: '1.0'\non-run-end:\n  - \"{{ sqlscore.lint_models(results) }}\"\n"
    )
    (folder / "packages.yml").write_text("packages:\n  - local: ../scoring\n")
    (folder / "models/shopped.sql").write_text("SELECT * FROM main.clicks WHERE event_type = 'it''s'")
    return folder


def run(project: Path, model: str) -> tuple[bool, str]:
    """Whether a run succeeds with this model, and what its log says."""
    (project / "models/features.sql").write_text(model)
    places = ("--project-dir", str(project), "--profiles-dir", str(project.parent / "scoring"))
    log = project / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    outcome = run_dbt("run", *places, "--log-path", str(log.parent), "--select", "shopped", "features")
    return outcome.success, log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_fails_by_a_model_that_leaks(project: Path) -> None:
    places = ("--project-dir", str(project), "--profiles-dir", str(project.parent / "scoring"))
    assert run_dbt("deps", *places).success
    assert run(project, PAST)[0]
    done, said = run(project, LEAK)
    assert not done
    assert 'features, line 1: column "mean_price"' in said
    assert "[whole-table]" in said
