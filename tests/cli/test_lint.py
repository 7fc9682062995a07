"""The command `lint`: exit codes, files, dbt projects, JSON and SARIF, and the run without the future."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from command_line import run
from small_shop import open_shop

from sqlscore.linting.dbt_models import models_of

LEAK = "SELECT user_id, event_time,\n    avg(price) OVER (PARTITION BY user_id) AS mean_price\nFROM e\n"
CLEAN = "SELECT user_id, event_time, avg(price) OVER (PARTITION BY user_id ORDER BY event_time) AS mean_price FROM e"


@pytest.fixture
def db(tmp_path: Path) -> str:
    open_shop(tmp_path / "shop.duckdb").close()
    return str(tmp_path / "shop.duckdb")


def test_the_exit_code_says_whether_there_is_an_error(db: str) -> None:
    assert run("lint", db, CLEAN).exit_code == 0
    done = run("lint", db, LEAK)
    assert (done.exit_code, "whole-table" in done.stdout) == (1, True)
    assert run("lint", db).exit_code == 2
    assert run("lint", db, "SELECT (").exit_code == 1


def test_files_are_named_with_their_lines_for_code_review(db: str, tmp_path: Path) -> None:
    bad, good, out = tmp_path / "bad.sql", tmp_path / "good.sql", tmp_path / "lint.sarif"
    bad.write_text(LEAK)
    good.write_text(CLEAN)
    assert run("lint", db, bad, good, "--sarif", out).exit_code == 1
    document = json.loads(out.read_text())
    (result,) = document["runs"][0]["results"]
    assert document["version"] == "2.1.0"
    assert (result["ruleId"], result["level"]) == ("whole-table", "error")
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (str(bad), 2)
    assert result["ruleId"] in {rule["id"] for rule in document["runs"][0]["tool"]["driver"]["rules"]}


def test_json_has_the_findings_and_what_a_run_showed(db: str) -> None:
    done = run("lint", db, LEAK, "--prove", "--json")
    report = json.loads(done.stdout)
    assert [one["rule"] for one in report["findings"]] == ["whole-table"]
    assert report["proofs"][0]["leaks"]


def test_a_model_of_a_dbt_project_is_read_with_those_that_it_refers_to(db: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "macros").mkdir()
    (project / "dbt_project.yml").write_text("name: shop\nvars: {days: 7}\n")
    (project / "macros" / "spend.sql").write_text("{% macro spend(x) %}sum({{ x }}){% endmacro %}")
    (project / "models" / "totals.sql").write_text(
        "{{ config(materialized='table') }}\n"
        "SELECT user_id, {{ spend('price') }} AS spend FROM {{ source('raw', 'e') }} GROUP BY 1"
    )
    (project / "models" / "features.sql").write_text(
        "SELECT e.user_id, e.event_time, t.spend\nFROM {{ source('raw', 'e') }} AS e\n"
        "JOIN {{ ref('totals') }} AS t USING (user_id)"
    )
    done = run("lint", db, project)
    assert done.exit_code == 1
    assert "features.sql" in done.stdout
    assert "unbounded-join" in done.stdout
    assert run("lint", db, project / "models" / "totals.sql").exit_code == 0
    assert run("lint", db, project / "models" / "features.sql").exit_code == 1


def test_jinja_reaches_nothing_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    text = "SELECT '{{ ''.__class__.__mro__[1].__subclasses__() }}{{ ref.__globals__ }}' AS x"
    (tmp_path / "models" / "bad.sql").write_text(text)
    (model,), problems = models_of(tmp_path)
    assert (model.sql, problems) == ("SELECT '' AS x", [])


def test_a_file_that_sqlscore_has_never_seen_is_looked_at_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "plain.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 2.5 AS price")
        con.execute(f"CREATE VIEW rich AS {LEAK}")
    before = path.read_bytes()
    found = run("lint", str(path), "rich")
    assert (found.exit_code, "whole-table" in found.stdout) == (1, True)
    assert run("lint", str(path), CLEAN, "--prove").exit_code == 0
    assert run("lint", str(path), "poor").exit_code == 1
    assert path.read_bytes() == before
