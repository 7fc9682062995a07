"""MySQL's expressions on DuckDB: what a server of MariaDB 10.11.19 answered, which is kept in expressions.tsv."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from sqlscore.errors import StatementError
from sqlscore.mysql.dialect import parsed
from sqlscore.mysql.refusals import NOT_SUPPORTED, SYNTAX, Refusal
from sqlscore.mysql.translating import Setting, translated
from sqlscore.mysql.variables import Variables
from sqlscore.statements.checking import checked

LINES = (Path(__file__).parent / "expressions.tsv").read_text(encoding="utf-8").splitlines()
CASES = [tuple(line.split("\t")) for line in LINES]
SETTING = Setting(Variables(), {"DATABASE": "main"}, "main")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def duckdbs(sql: str, setting: Setting = SETTING) -> str:
    tree = parsed(sql)
    assert tree is not None
    return translated(tree, setting).sql


@pytest.mark.parametrize(("expression", "theirs"), CASES, ids=[case[0] for case in CASES])
def test_an_expression_means_what_it_means_for_mysql(engine, expression: str, theirs: str):
    """Or it is refused: by the translation, or by the guard, to which no such function is known."""
    try:
        sql = duckdbs(f"SELECT {expression}")
        checked(engine, sql)
    except (Refusal, StatementError):
        assert theirs == "REFUSED"
        return
    value = engine.execute(sql).fetchall()[0][0]
    ours = "NULL" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
    with suppress(ValueError):  # MariaDB rounds some numbers to four digits, and writes 3 for 3.0
        assert math.isclose(float(ours), float(theirs), abs_tol=5e-5)
        return
    assert ours == theirs


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT @mine", "no variables of users"),
        ("SELECT DATE_FORMAT('2024-01-01', '%D')", "%D"),
        ("SELECT DATE_FORMAT('2024-01-01', ?)", "written out"),
        ("SELECT '2024-01-01' + INTERVAL '1:1' MINUTE_SECOND", "MINUTE_SECOND"),
        ("SELECT WEEK('2024-01-01', 1)", "use 0 or 3"),
        ("SELECT COUNT(DISTINCT 1, 2)", "SELECT DISTINCT"),
        ("SELECT MATCH (a) AGAINST ('b') FROM t", "not served"),
        ("SELECT MID('a')", "1 arguments"),
    ],
)
def test_what_duckdb_has_not_is_refused_with_the_reason(sql: str, why: str):
    with pytest.raises(Refusal, match=why) as refused:
        duckdbs(sql)
    assert refused.value.code == NOT_SUPPORTED


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT 1; SELECT 2", "SELECT '", "SELECT (1", "SELECT 1 FROM"])
def test_what_is_not_one_statement_is_refused(sql: str):
    with pytest.raises(Refusal) as refused:
        duckdbs(sql)
    assert refused.value.code == SYNTAX


def test_hints_and_locks_fall_away():
    """They ask for a way to run a statement, or for what reading does not need."""
    assert duckdbs("SELECT SQL_NO_CACHE a FROM t USE INDEX (i) WHERE a > 1 FOR UPDATE") == "SELECT a FROM t WHERE a > 1"
    assert duckdbs("SELECT /*+ MAX_EXECUTION_TIME(1) */ a FROM t LOCK IN SHARE MODE") == "SELECT a FROM t"


def test_parameters_keep_the_order_of_the_text(engine):
    """Though LIMIT and LOCATE turn theirs round."""
    sql = duckdbs("SELECT LOCATE(?, ?), i FROM (SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3) t LIMIT ?, ?")
    assert engine.execute(sql, ["b", "abc", 2, 1]).fetchall() == [(2, 3)]


def test_tables_are_looked_for_in_the_database_in_use():
    """But for names that WITH defines."""
    other = Setting(Variables(), {}, "sqlscore")
    assert duckdbs("SELECT t.a FROM t", other) == 'SELECT t.a FROM "sqlscore".t AS "t"'
    assert duckdbs("WITH t AS (SELECT 1 AS a) SELECT a FROM t", other) == "WITH t AS (SELECT 1 AS a) SELECT a FROM t"


def test_columns_are_named_as_mysql_names_them(engine):
    described = engine.execute(duckdbs("SELECT COUNT(*), 1 + 1, 'x', i AS `a b`, i FROM (SELECT 1 AS i) t GROUP BY i"))
    assert [column[0] for column in described.description] == ["COUNT(*)", "1 + 1", "x", "a b", "i"]
