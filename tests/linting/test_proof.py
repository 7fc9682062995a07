"""Running a query without its future shows what the rules say, and leaves the user's file alone."""

from __future__ import annotations

import duckdb
import pytest
from lint_cases import Case, cases, catalog, linted, tables

from sqlscore.linting.catalog import Catalog
from sqlscore.linting.lint import Text
from sqlscore.linting.proof import Proof, proven

SHOWN_BY_A_RUN = {
    "future-frame", "unbounded-join", "asof-direction", "whole-table", "last-without-bound", "newest-row",
    "session-from-later",
}  # fmt: skip
"""The rules whose leaks change figures once later rows are gone. What is wrong about labels, attributes as of today,
clocks and splits by a hash stays as it is without them."""


@pytest.fixture(scope="module")
def con():
    with tables() as con:
        yield con


@pytest.fixture(scope="module")
def known(con: duckdb.DuckDBPyConnection) -> Catalog:
    return catalog(con)


def run(known: Catalog, sql: str, seed: int = 0) -> Proof:
    return proven(known, Text("query.sql", sql), linted(known, sql).outputs, seed)


@pytest.mark.parametrize("case", [case for case in cases() if not case.leaks], ids=str)
def test_an_innocent_query_says_the_same_without_its_future(known: Catalog, case: Case):
    assert run(known, case.sql).leaks == ()


@pytest.mark.parametrize("case", [case for case in cases() if case.leaks and case.rule in SHOWN_BY_A_RUN], ids=str)
def test_a_leak_shows_when_the_future_is_taken_away(known: Catalog, case: Case):
    proof = run(known, case.sql)
    if proof.problem is None and proof.cuts:
        assert proof.leaks
    else:
        assert "predict_next_action" in case.sql or "churn_risk" in case.sql  # they need a model


@pytest.mark.slow
def test_most_queries_can_be_run(known: Catalog):
    """Else the two tests above compare nothing."""
    proofs = [run(known, case.sql) for case in cases() if case.rule in SHOWN_BY_A_RUN]
    assert sum(proof.problem is None and bool(proof.cuts) for proof in proofs) > 0.7 * len(proofs)


def test_the_row_is_shown_and_the_seed_decides_the_moments(known: Catalog):
    query = "SELECT user_id, event_time, sum(price) OVER (PARTITION BY user_id) AS spend FROM events"
    proof = run(known, query, seed=3)
    assert proof == run(known, query, seed=3)
    assert proof.cuts != run(known, query, seed=4).cuts
    assert "spend is " in proof.leaks[0]
    assert "user_id " in proof.leaks[0]


def test_chance_is_not_taken_for_a_leak(known: Catalog):
    proof = run(known, "SELECT user_id, event_time, random() AS r FROM events")
    assert (proof.leaks, proof.problem) == ((), "it gives other rows each time")


def test_the_file_is_only_read(con: duckdb.DuckDBPyConnection, known: Catalog):
    before = con.execute("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1").fetchall()
    run(known, "SELECT user_id, event_time, avg(price) OVER () AS mean_price FROM events")
    assert con.execute("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1").fetchall() == before
