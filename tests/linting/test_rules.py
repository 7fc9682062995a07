"""Every rule finds what leaks and lets pass what does not, in the ways people write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_cases import FOLDER, Case, cases, catalog, linted, tables

from sqlscore.linting import rules
from sqlscore.linting.catalog import Catalog
from sqlscore.linting.rules import NAMES

CASES = cases()
LEAKING, INNOCENT = [case for case in CASES if case.leaks], [case for case in CASES if not case.leaks]


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(tables())


def test_the_tuple_of_rules_is_the_files_on_disk():
    """A rule that is forgotten in the tuple finds nothing, and nobody notices."""
    files = {path.stem.replace("_", "-") for path in Path(rules.__file__).parent.glob("[!_]*.py")}
    assert files == set(NAMES)
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(NAMES)


def test_every_rule_is_described():
    text = (Path(__file__).parents[2] / "docs" / "linting.md").read_text(encoding="utf-8")
    assert not [name for name in NAMES if f"\n### {name}\n" not in text]


def test_there_are_as_many_queries_as_are_promised():
    assert len(LEAKING) >= 80
    assert len(INNOCENT) >= 120


@pytest.mark.parametrize("case", LEAKING, ids=str)
def test_a_leak_is_found_by_its_rule(known: Catalog, case: Case):
    assert case.rule in {one.rule for one in linted(known, case.sql).findings}


@pytest.mark.parametrize("case", INNOCENT, ids=str)
def test_an_innocent_query_has_no_finding(known: Catalog, case: Case):
    assert [str(one) for one in linted(known, case.sql).findings] == []


def test_a_finding_says_where_and_what_to_do(known: Catalog):
    text = "SELECT user_id, event_time,\n    avg(price) OVER () AS mean_price\nFROM events"
    (found,) = linted(known, text).findings
    assert (found.rule, found.severity, found.line, found.column) == ("whole-table", "error", 2, "mean_price")
    assert "ORDER BY the time" in found.message


@pytest.mark.parametrize("place", ["before", "beside", "on top"])
def test_a_comment_with_a_reason_lets_pass(known: Catalog, place: str):
    comment = "-- sqlscore: allow whole-table because the mean is of last year"
    top, before, beside = (comment if place == name else "" for name in ("on top", "before", "beside"))
    text = f"{top}\nSELECT user_id, event_time,\n{before}\n    avg(price) OVER () AS mean_price {beside}\nFROM events"
    result = linted(known, text)
    assert [one.reason for one in result.allowed] == ["the mean is of last year"]
    assert not result.findings


COMMENTS = ["allow whole-table", "allow whole-table because", "allow it because"]


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_without_a_rule_and_a_reason_is_an_error(known: Catalog, comment: str):
    query = "SELECT user_id, event_time, avg(price) OVER () AS mean_price FROM events"
    found = linted(known, f"-- sqlscore: {comment}\n{query}").findings
    assert {one.rule for one in found} == {"allow-comment", "whole-table"}
