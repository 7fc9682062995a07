"""What the linter says of a query does not depend on how the query is spelled."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lint_cases import Case, cases, catalog, linted, tables
from rewrites import REWRITES, Rewrite

from sqlscore.linting.catalog import Catalog


@pytest.fixture(scope="module")
def con():
    with tables() as con:
        yield con


@pytest.fixture(scope="module")
def known(con: duckdb.DuckDBPyConnection) -> Catalog:
    return catalog(con)


def rules(known: Catalog, sql: str) -> set[str]:
    return {one.rule for one in linted(known, sql).findings}


def rewritten(con: duckdb.DuckDBPyConnection, sql: str, rewrites: list[Rewrite]) -> str:
    """The query after the rewrites, if DuckDB reads it as it reads the query."""
    query = sqlglot.parse_one(sql, read="duckdb")
    for rewrite in rewrites:
        query = rewrite(query)
    text = query.sql("duckdb")
    assume(_is_read(con, text) or not _is_read(con, sql))
    return text


def _is_read(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        con.execute(f"EXPLAIN {sql}")
    except duckdb.Error:
        return False  # such as a call of a model
    return True


@settings(max_examples=150)
@given(case=st.sampled_from(cases()), rewrites=st.lists(st.sampled_from(REWRITES), min_size=1, max_size=5))
def test_another_spelling_keeps_the_verdict(
    con: duckdb.DuckDBPyConnection, known: Catalog, case: Case, rewrites: list[Rewrite]
):
    assert rules(known, rewritten(con, case.sql, rewrites)) == rules(known, case.sql)


@settings(max_examples=40)
@given(case=st.sampled_from(cases()), rewrites=st.lists(st.sampled_from(REWRITES), max_size=2))
def test_a_view_keeps_the_verdict(con: duckdb.DuckDBPyConnection, known: Catalog, case: Case, rewrites: list[Rewrite]):
    text = rewritten(con, case.sql, rewrites)
    try:
        con.execute(f"CREATE OR REPLACE VIEW as_a_view AS {text}")
    except duckdb.Error:
        assume(False)
    assert rules(catalog(con), "SELECT * FROM as_a_view") == rules(known, case.sql)
