"""A categorical column must hold the sort of values that it was trained on: another one is all unknown values."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

import sqlscore
from sqlscore.errors import EventsError, MappingError, ModelError
from sqlscore.events.kinds import sort_of


@pytest.fixture
def trained(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A model that reads a flag and a code as categories, and an amount."""
    con.execute(
        """CREATE TABLE e AS SELECT i % 20 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time,
               ['a', 'b'][1 + i % 2] AS event_type, i % 3 = 0 AS flag, i % 4 AS code, i * 0.5 AS amount
           FROM range(600) t(i)"""
    )
    sqlscore.map_events(con, "e", features={"flag": "categorical", "code": "categorical", "amount": "numeric"})
    sqlscore.train(con, architecture="gru", max_epochs=1, churn=False)
    return con


def test_values_of_one_sort_have_one_text_for_each_value():
    """Widths of integers, and integers that the engine hands over as decimals, do not matter."""
    assert {sort_of(kind) for kind in (pa.int8(), pa.uint64(), pa.decimal128(38, 0))} == {"whole numbers"}
    assert {sort_of(kind) for kind in (pa.string(), pa.dictionary(pa.int8(), pa.string()))} == {"text"}
    others = (pa.decimal128(9, 2), pa.decimal128(9, 3), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.int8())
    assert len({sort_of(kind) for kind in others}) == len(others)
    assert sort_of(pa.null()) is None


@pytest.mark.parametrize(
    ("column", "kind", "found"),
    [
        ("flag", "INTEGER", "whole numbers"),
        ("flag", "VARCHAR", "text"),
        ("code", "DECIMAL(9, 2)", "numbers with 2 digits"),
        ("code", "DOUBLE", "numbers of 64 bits"),
        ("amount", "BOOLEAN", "expects a number"),
    ],
)
@pytest.mark.slow
def test_another_sort_raises_wherever_events_are_scored(
    trained: duckdb.DuckDBPyConnection, column: str, kind: str, found: str
):
    other = f"(SELECT * REPLACE (CAST({column} AS {kind}) AS {column}) FROM e)"
    for query in (
        f"SELECT predict_next_action(x) FROM {other} x GROUP BY user_id",
        f"SELECT list_predict_next_action(list(x)) FROM {other} x GROUP BY user_id",
    ):
        with pytest.raises(duckdb.InvalidInputException, match=f'"{column}".*{found}'):
            trained.execute(query).fetchall()
    trained.execute(f"CREATE OR REPLACE TABLE e AS FROM {other}")
    with pytest.raises((EventsError, MappingError), match=f"{found}|is not a number"):
        sqlscore.refresh(trained)
    said = [problem.what for problem in sqlscore.status(trained).problems]
    assert any(f'"{column}"' in what and (found in what or "is not a number" in what) for what in said), said


@pytest.mark.parametrize("kind", ["TINYINT", "UBIGINT", "HUGEINT", "DECIMAL(20, 0)"])
def test_another_width_is_the_same_sort(trained: duckdb.DuckDBPyConnection, kind: str):
    query = """SELECT user_id, next_action_probability(x, 'a')
               FROM (SELECT * REPLACE (CAST(code AS {}) AS code) FROM e) x GROUP BY ALL ORDER BY ALL"""
    assert trained.execute(query.format(kind)).fetchall() == trained.execute(query.format("BIGINT")).fetchall()
    trained.execute(f"CREATE OR REPLACE TABLE e AS SELECT * REPLACE (CAST(code AS {kind}) AS code) FROM e")
    assert not any("cannot score" in problem.what for problem in sqlscore.status(trained).problems)
    sqlscore.refresh(trained)


@pytest.mark.parametrize("features", [["amount"], {"flag": "categorical", "code": "numeric", "amount": "numeric"}])
def test_evaluating_on_other_columns_names_the_one_that_lacks(trained: duckdb.DuckDBPyConnection, features: object):
    sqlscore.map_events(trained, "e", features=features)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match='column "(flag|code)" as a category'):
        sqlscore.evaluate(trained)


@pytest.mark.parametrize(("kind", "value"), [("BIT", "'0101'"), ("INTERVAL", "'1 day'"), ("DOUBLE", "'nan'")])
def test_users_who_cannot_be_told_apart_are_refused(con: duckdb.DuckDBPyConnection, kind: str, value: str):
    con.execute(
        f"CREATE TABLE e AS SELECT {value}::{kind} AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
    )
    with pytest.raises(EventsError, match=rf'"user_id" (has type {kind}|holds NaN)'):
        sqlscore.map_events(con, "e")
