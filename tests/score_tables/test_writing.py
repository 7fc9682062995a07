"""Rows that arrive in a table are all seen, however many come at once: DuckDB 2.0.0 hid some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.database.transactions import transaction
from sqlscore.errors import EventsError
from sqlscore.score_tables.spool import Spool
from sqlscore.score_tables.writing import Appender, insert_as_they_come

MANY = 200_000  # more than a row group
SEEN = "SELECT count(a), max(rowid), (SELECT count(*) FROM (SELECT a FROM arrived LIMIT 5)) FROM arrived"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET threads = 2")
        yield con


def test_many_rows_come_to_an_empty_table_in_the_same_transaction(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 2.0.0 hid the rows of a table that CREATE TABLE AS had made without any."""
    with transaction(con):
        con.execute("CREATE TABLE arrived AS SELECT 1::BIGINT AS a, [{'b': 'x'}] AS l WITH NO DATA")
        appender = Appender(con, "arrived", {"l": "[{'b': 'y'}]"})
        appender.add(pa.table({"a": range(MANY)}))
        appender.flush()
    assert con.execute(SEEN).fetchall() == [(MANY, MANY - 1, 5)]
    assert [type_ for _, type_, *_ in con.execute("DESCRIBE arrived").fetchall()] == ["BIGINT", "STRUCT(b VARCHAR)[]"]


@pytest.mark.parametrize("before", [0, 10])
def test_a_batch_without_rows_hides_none_of_the_next(con: duckdb.DuckDBPyConnection, before: int) -> None:
    con.execute("CREATE TABLE arrived AS SELECT range AS a FROM range(?)", [before])
    with transaction(con):
        appender = Appender(con, "arrived")
        appender.add(pa.table({"a": pa.array([], pa.int64())}))
        appender.flush()
        appender.add(pa.table({"a": range(MANY)}))
        appender.flush()
    assert con.execute(SEEN).fetchall() == [(before + MANY, before + MANY - 1, 5)]


def test_a_history_longer_than_a_row_group_is_seen_whole() -> None:
    con = open_shop()
    con.execute("INSERT INTO e SELECT 77, TIMESTAMP '2024-01-01' + to_seconds(i), 'view', 1 FROM range(?) t(i)", [MANY])
    made = sqlscore.score_history(con, into="made", events="SELECT * FROM e WHERE user_id = 77")
    assert made.rows == MANY
    assert con.execute("SELECT count(*) FROM (SELECT event_time FROM made)").fetchall() == [(MANY,)]
    assert con.execute("SELECT count(*) FROM (SELECT user_id FROM made GROUP BY ALL)").fetchall() == [(1,)]
    con.close()


def test_rows_that_come_one_after_the_other_are_one_statement(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE arrived (b VARCHAR, a BIGINT)")
    first = pa.table({"a": pa.array([], pa.int64())})
    others = (pa.table({"a": range(start, start + 50_000)}) for start in range(0, MANY, 50_000))
    assert insert_as_they_come(con, "arrived", first, others) == MANY
    assert con.execute(SEEN).fetchall() == [(MANY, MANY - 1, 5)]


def test_an_error_while_rows_are_made_is_raised_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    """With its type, which says what to do; and nothing of the statement stays."""
    con.execute("CREATE TABLE arrived (a BIGINT)")

    def failing() -> Iterator[pa.Table]:
        yield pa.table({"a": range(MANY)})
        raise EventsError("the third batch has two users in one group")

    with pytest.raises(EventsError, match="third batch"):
        insert_as_they_come(con, "arrived", pa.table({"a": range(10)}), failing())
    assert con.execute("SELECT count(*) FROM (SELECT a FROM arrived)").fetchall() == [(0,)]


def test_spooled_rows_arrive_in_their_order(tmp_path: Path) -> None:
    """From a file that has no name, beside the database, so a killed process leaves nothing behind."""
    rows = [pa.table({"a": range(start, start + 50_000)}) for start in range(0, MANY, 50_000)]
    with duckdb.connect(tmp_path / "shop.duckdb") as con, closing(Spool(con)) as spool:
        con.execute("CREATE TABLE arrived (a BIGINT, b VARCHAR)")
        before = set(tmp_path.iterdir())
        for table in rows:
            spool.add(table)
        assert set(tmp_path.iterdir()) == before
        assert spool.insert(con, "arrived", {"b": "'x'"}) == MANY
        assert con.execute(SEEN).fetchall() == [(MANY, MANY - 1, 5)]
        assert con.execute("SELECT count(*) FROM arrived WHERE a = rowid AND b = 'x'").fetchall() == [(MANY,)]


def test_an_empty_spool_inserts_nothing(con: duckdb.DuckDBPyConnection) -> None:
    with closing(Spool(con)) as spool:
        assert spool.insert(con, "arrived") == 0
