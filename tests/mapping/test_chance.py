"""A mapped view that holds other events at every read: by the clock it is said, by chance it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.errors import MappingError

CLOCKS = (
    "ts < now()::TIMESTAMP",
    "ts < current_timestamp",
    "ts >= today() - 30000",
    "ts::DATE <= current_date",
    "ts < localtimestamp",
    "year(age(ts)) < 300",
    "ts < until()",
)
CHANCES = ("random() < 2", "uuid() IS NOT NULL", "nextval('s') > 0")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(threads=1) as con:
        con.execute("CREATE SEQUENCE s; CREATE MACRO until() AS now()")
        con.execute(
            """CREATE TABLE raw AS SELECT i % 5 AS u, TIMESTAMP '2024-01-01' + to_hours(i) AS ts, 'a' AS a,
                   'now()' AS today FROM range(50) t(i)"""
        )
        yield con


def clock_warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    report = sqlscore.map_events(con, "v", user_id="u", event_time="ts", event_type="a")
    return [warning for warning in report.warnings if "reads the clock" in warning]


@pytest.mark.parametrize("condition", CLOCKS)
@pytest.mark.parametrize("over", ["raw", "inner_v"])
def test_a_view_that_reads_the_clock_is_said_to(con: duckdb.DuckDBPyConnection, condition: str, over: str) -> None:
    """Also if another view or a macro does; a column or a text of such a name is none."""
    con.execute(f"CREATE VIEW inner_v AS SELECT *, ts AS t2 FROM raw WHERE {'true' if over == 'raw' else condition}")
    con.execute(f"CREATE VIEW v AS SELECT u, ts, a FROM {over} WHERE {condition if over == 'raw' else 'true'}")
    assert len(clock_warnings(con)) == 1


@pytest.mark.parametrize("condition", ["a <> 'now()'", "today <> 'today()'", "age(ts, ts) IS NOT NULL"])
def test_a_view_that_does_not_is_not(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    con.execute(f"CREATE VIEW v AS SELECT u, ts, a FROM raw WHERE {condition}")
    assert clock_warnings(con) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT u, ts, a FROM dated WHERE current_date > DATE '2020-01-01'",
        "SELECT u, ts, a, day AS current_date FROM (SELECT *, ts::DATE AS day FROM raw)",
        "WITH x AS (SELECT *, ts::DATE AS current_date FROM raw) SELECT u, ts, a FROM x WHERE year(current_date) > 0",
    ],
)
def test_a_bare_column_of_a_clocks_name_is_no_clock(con: duckdb.DuckDBPyConnection, query: str) -> None:
    con.execute("CREATE TABLE dated AS SELECT *, ts::DATE AS current_date FROM raw")
    con.execute(f"CREATE VIEW v AS {query}")
    assert clock_warnings(con) == []


def test_a_clock_beside_a_column_of_its_name_is_said(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE dated AS SELECT *, ts::DATE AS current_date FROM raw")
    con.execute("CREATE VIEW v AS SELECT u, ts, a FROM raw WHERE ts < current_date AND EXISTS (FROM dated)")
    assert len(clock_warnings(con)) == 1


def test_a_view_of_a_file_is_looked_at_by_its_text(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The engine gives no plan of a query that reads files."""
    con.execute(f"COPY raw TO '{tmp_path}/raw.parquet'")
    con.execute(f"CREATE VIEW v AS SELECT u, ts, a FROM '{tmp_path}/raw.parquet' WHERE ts < current_timestamp")
    assert len(clock_warnings(con)) == 1
    con.execute(f"CREATE OR REPLACE VIEW v AS SELECT u, ts, a FROM '{tmp_path}/raw.parquet' WHERE random() < 2")
    with pytest.raises(MappingError, match=r"calls random\(\)"):
        clock_warnings(con)


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
@pytest.mark.parametrize("word", ["current_date", "Current_Timestamp", "localtime"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT u, ts, a FROM {file} WHERE {word} IS NOT NULL",
        "SELECT u, ts, a FROM (SELECT * FROM {file}) x WHERE x.a <> 'b' AND {word} IS NOT NULL",
        "SELECT u, ts, a FROM '{path}' WHERE {word} IS NOT NULL",
    ],
)
def test_a_column_of_a_file_with_a_clocks_name_is_no_clock(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str, word: str, query: str
) -> None:
    """The engine takes the word for the column; only where a file has none is it the clock."""
    path = tmp_path / f"dated.{kind}"
    for column, said in ((word, 0), ("other", 1)):
        con.execute(f"COPY (SELECT *, ts::DATE AS {column} FROM raw) TO '{path}'")
        file = f"read_{kind}('{path}')"
        con.execute(f"CREATE OR REPLACE VIEW v AS {query.format(file=file, path=path, word=word)}")
        assert len(clock_warnings(con)) == said


@pytest.mark.parametrize("condition", CHANCES)
def test_a_view_by_chance_is_refused(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    con.execute(f"CREATE VIEW v AS SELECT u, ts, a FROM raw WHERE {condition}")
    with pytest.raises(MappingError, match=r"calls \w+\(\), so it holds other events .* CREATE TABLE"):
        clock_warnings(con)


def test_a_sample_is_refused_unless_it_is_always_the_same(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW v AS SELECT u, ts, a FROM raw USING SAMPLE reservoir(20 ROWS) REPEATABLE (7)")
    assert clock_warnings(con) == []
    con.execute("CREATE OR REPLACE VIEW v AS SELECT u, ts, a FROM raw USING SAMPLE 20 ROWS")
    with pytest.raises(MappingError, match="draws a sample"):
        clock_warnings(con)


def test_a_view_that_became_one_of_chance_is_refused_by_the_next_refresh(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW v AS SELECT u, ts, a FROM raw")
    clock_warnings(con)
    sqlscore.train(con, architecture="markov")
    sqlscore.refresh(con)
    con.execute("CREATE OR REPLACE VIEW v AS SELECT u, ts, a FROM raw WHERE random() < 0.5")
    with pytest.raises(MappingError, match="holds other events"):
        sqlscore.refresh(con)
