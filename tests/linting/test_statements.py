"""Statements around a query are looked at too, and what is not looked at is said."""

from __future__ import annotations

import duckdb
import pytest
from lint_cases import catalog, linted, tables

from sqlscore.errors import LintError
from sqlscore.linting.catalog import Catalog

LEAK = "SELECT user_id, event_time, avg(price) OVER () AS mean_price FROM events"


@pytest.fixture(scope="module")
def con():
    with tables() as con:
        yield con


@pytest.fixture(scope="module")
def known(con: duckdb.DuckDBPyConnection) -> Catalog:
    return catalog(con)


AROUND = [
    "EXPLAIN ANALYZE {}", "PREPARE q AS {}", "COPY ({}) TO 'x.parquet'", "CREATE TEMP TABLE t AS {}",
    "INSERT INTO t BY NAME {}", "CREATE OR REPLACE VIEW v AS {}", "CREATE MACRO m() AS TABLE {}",
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
def test_the_query_in_a_statement_is_looked_at(known: Catalog, around: str):
    result = linted(known, around.format(LEAK))
    assert {one.rule for one in result.findings} == {"whole-table"}
    assert result.unread == ()


def test_an_update_is_looked_at_as_the_rows_that_it_leaves(known: Catalog):
    update = "UPDATE events SET price = events.price / t.spend FROM {} t WHERE t.user_id = events.user_id"
    assert {one.rule for one in linted(known, update.format("spend_by_user")).findings} == {"unbounded-join"}
    assert not linted(known, "UPDATE events SET price = price * 2 WHERE event_type = 'cart'").findings


def test_the_parameter_of_a_macro_is_a_bound(known: Catalog):
    body = "CREATE MACRO spend(at) AS TABLE SELECT user_id, sum(price) AS spend FROM events WHERE event_time <= at"
    assert not linted(known, f"{body} GROUP BY user_id").findings


def test_a_statement_that_is_not_looked_at_is_named(known: Catalog):
    merge = "MERGE INTO users u USING (SELECT user_id FROM events) e ON e.user_id = u.user_id WHEN MATCHED THEN DELETE"
    (said,) = linted(known, f"SELECT 1;\n{merge}").unread
    assert said.startswith("query.sql, line 2: MERGE INTO users")
    assert linted(known, "DROP TABLE IF EXISTS old; SET threads = 2").unread == ()


def test_a_view_that_cannot_be_read_is_named(con: duckdb.DuckDBPyConnection):
    known = catalog(con)
    known.views["main", "strange"] = "CREATE VIEW strange AS SELECT FROM WHERE"
    (said,) = linted(known, "SELECT * FROM strange").unread
    assert said.startswith("view main.strange cannot be read as DuckDB's SQL")


def test_text_that_is_no_sql_is_an_error_in_plain_words(known: Catalog):
    with pytest.raises(LintError, match=r"^query\.sql cannot be read as DuckDB's SQL: .*Line 1") as raised:
        linted(known, "SELECT user_id, FROM (events")
    assert "\x1b" not in str(raised.value)


def test_a_view_holds_lambdas_and_joins_in_parentheses(con: duckdb.DuckDBPyConnection):
    con.execute(
        """CREATE OR REPLACE VIEW listed AS
           SELECT l.user_id, l.as_of, list_filter(h.prices, lambda p: p > 20) AS dear
           FROM labels l LEFT JOIN
               (users u JOIN (SELECT user_id, list(price) AS prices FROM events GROUP BY ALL) h USING (user_id))
               ON u.user_id = l.user_id"""
    )
    result = linted(catalog(con), "SELECT * FROM listed")
    assert {one.rule for one in result.findings} == {"unbounded-join"}
    assert result.unread == ()
