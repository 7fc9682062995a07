"""Hand-made cases: `tests/sql_cases/*.sql` are queries in pairs, the second gives the rows that the first must give.

The first statement of a file makes the table `clicks`, which is mapped with its further columns as features; other
statements that are no queries prepare the database for the pairs that follow. Rows are compared in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

import sqlscore

FILES = sorted((Path(__file__).parent / "cases").glob("*.sql"))


def plain(value: object) -> object:
    """Numbers of any type to nine digits, so that 0.1 written by hand equals one that was computed."""
    return float(f"{value:.9g}") if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value


def run(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return sorted(repr(tuple(map(plain, row))) for row in con.execute(query).fetchall())


def pairs(con: duckdb.DuckDBPyConnection, text: str) -> Iterator[tuple[str, str]]:
    """Pairs of queries; the statements between them are executed when their turn comes."""
    statements = iter(con.extract_statements(text))
    con.execute(next(statements).query)
    sqlscore.map_events(con, "clicks", features=con.sql("FROM clicks").columns[3:])
    for statement in statements:
        if statement.type == duckdb.StatementType.SELECT:
            yield statement.query, next(statements).query
        else:
            con.execute(statement.query)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_query_gives_the_rows_written_below_it(file: Path) -> None:
    """Adding a case is adding two statements."""
    con = sqlscore.connect()
    seen = 0
    for query, expected in pairs(con, file.read_text(encoding="utf-8")):
        assert run(con, query) == run(con, expected), query
        seen += 1
    assert seen > 0
    con.close()
