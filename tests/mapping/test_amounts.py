"""The column that says what an event is worth: what is accepted, what is refused, and where it is shown."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.amounts import likely_amounts

SALES = """CREATE TABLE s AS SELECT i % 40 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i * 5) AS event_time,
    CASE WHEN i % 3 = 0 THEN 'buy' ELSE 'view' END AS event_type, (i % 7)::DOUBLE AS price,
    i % 5 AS quantity FROM range(400) t(i)"""


@pytest.mark.parametrize("kind", ["INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(18, 2)"])
def test_any_number_is_an_amount_and_a_feature(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(SALES)
    con.execute(f"CREATE TABLE t AS SELECT * REPLACE (price::{kind} AS price) FROM s")
    mapping = sqlscore.map_events(con, "t", amount="PRICE").mapping
    assert mapping.amount == "price"
    assert [(f.name, f.kind) for f in mapping.features] == [("price", "numeric")]
    assert Mapping.from_json(mapping.to_json()) == mapping
    assert sqlscore.map_events(con, "t", amount="price").unchanged
    assert con.execute("SELECT sum(price) FROM sqlscore.events").fetchall()[0][0] == pytest.approx(1194, abs=30)


@pytest.mark.parametrize(
    ("texts", "worth"),
    [
        (["$1,250.50", "$3.00"], 1253.5),
        (["1.250,50 €", "3,00 €"], 1253.5),
        (["1250.50", "3"], 1253.5),
        (["USD -4.25", "USD 3"], -1.25),
    ],
)
def test_money_as_text_is_refused_with_a_cast_that_reads_it(
    con: duckdb.DuckDBPyConnection, texts: list[str], worth: float
) -> None:
    con.execute("CREATE TABLE t AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'buy' AS event_type")
    con.execute("CREATE OR REPLACE TABLE t AS SELECT t.*, unnest($1) AS paid FROM t", [texts])
    with pytest.raises(EventsError, match='amount column "paid" has type VARCHAR and holds \'') as told:
        sqlscore.map_events(con, "t", amount="paid")
    cast = str(told.value).partition("map a view with ")[2].partition(", and look")[0]
    con.execute(f"CREATE VIEW v AS SELECT * REPLACE ({cast}) FROM t")
    sqlscore.map_events(con, "v", amount="paid")
    assert con.execute("SELECT sum(paid)::DOUBLE FROM sqlscore.events").fetchall() == [(worth,)]


@pytest.mark.parametrize("kind", ["BOOLEAN", "TIMESTAMP", "INTEGER[]"])
def test_what_is_no_number_is_refused(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(SALES)
    con.execute(f"CREATE TABLE t AS SELECT *, NULL::{kind} AS paid FROM s")
    with pytest.raises(EventsError, match=r'amount column "paid" has type .*expected a number'):
        sqlscore.map_events(con, "t", amount="paid")


def test_an_infinite_amount_is_refused_with_the_cast_that_drops_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(SALES)
    con.execute("UPDATE s SET price = 'nan' WHERE quantity = 3")
    with pytest.raises(EventsError, match=r'amount column "price" is nan in a row.*CASE WHEN isfinite\("price"\)'):
        sqlscore.map_events(con, "s", amount="price")


def test_columns_that_play_another_part_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(SALES)
    con.execute("CREATE TABLE u AS SELECT DISTINCT user_id, user_id % 3 AS limit_ FROM s")
    with pytest.raises(MappingError, match='"user_id" is user, time or action, and cannot be the amount'):
        sqlscore.map_events(con, "s", amount="user_id")
    with pytest.raises(MappingError, match='"price" is mapped as a category'):
        sqlscore.map_events(con, "s", amount="price", features={"price": "categorical"})
    with pytest.raises(MappingError, match="is an attribute of users"):
        sqlscore.map_events(con, "s", amount="limit_", users="u", user_features=["limit_"])
    with pytest.raises(MappingError, match='no column "worth" for amount'):
        sqlscore.map_events(con, "s", amount="worth")


def test_sources_without_the_column_have_events_that_are_worth_nothing(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(SALES)
    con.execute("CREATE TABLE calls AS SELECT user_id, event_time FROM s")
    source = sqlscore.Source
    sources = [source("s", columns={"worth": "price"}), source("calls", action="call")]
    assert sqlscore.map_events(con, sources, amount="worth").mapping.amount == "worth"
    query = (
        "SELECT event_type = 'call' AS called, count(worth) > 0, count(*) FROM sqlscore.events GROUP BY 1 ORDER BY 1"
    )
    assert con.execute(query).fetchall() == [(False, True, 400), (True, False, 400)]


def test_an_attached_file_and_a_view_have_amounts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as other:
        other.execute(SALES)
    sqlscore.map_events(con, "shop.s", attach={"shop": str(tmp_path / "shop.duckdb")}, amount="price")
    worth = con.execute("SELECT sum(price) FROM sqlscore.events").fetchall()
    con.execute(SALES)
    con.execute("CREATE VIEW net AS SELECT * REPLACE (price * 2 AS price) FROM s")
    sqlscore.map_events(con, "net", amount="price", force=True)
    assert con.execute("SELECT sum(price) / 2 FROM sqlscore.events").fetchall() == worth


def test_another_amount_is_another_mapping(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(SALES)
    features = ["price", "quantity"]
    sqlscore.map_events(con, "s", features=features)
    sqlscore.train(con, architecture="markov")
    sqlscore.refresh(con)
    with pytest.raises(MappingError, match="amount: none, now price"):
        sqlscore.map_events(con, "s", features=features, amount="price")
    assert sqlscore.map_events(con, "s", features=features, amount="price", force=True).dropped
    assert sqlscore.status(con).mappings[0].amount == "price"
    con.execute("ALTER TABLE s ALTER price TYPE VARCHAR")
    assert any('amount column "price" has type VARCHAR' in p.what for p in sqlscore.status(con).problems)


def test_init_names_columns_that_look_like_amounts(tmp_path: Path) -> None:
    path = str(tmp_path / "shop.duckdb")
    with duckdb.connect(path) as con:
        con.execute(SALES)
    said = CliRunner().invoke(app, ["init", path, "--events", "s"]).output
    assert "price may be what an event is worth: name the column with --amount" in " ".join(said.split())
    said = CliRunner().invoke(app, ["init", path, "--events", "s", "--amount", "price"]).output
    assert "may be what an event is worth" not in said
    assert ["amount", "price"] in [line.split() for line in said.splitlines()]
    assert ["amount", "price"] in [
        line.split() for line in CliRunner().invoke(app, ["status", path]).output.splitlines()
    ]


def test_names_of_ids_and_counts_do_not_look_like_amounts() -> None:
    mapping = Mapping("events", "t", "user_id", "event_time", "event_type", order=("total",))
    names = ["priceCode", "total", "lineTotal", "order_value", "amount", "paymentId", "quantity", "discount_rate"]
    types = dict.fromkeys(names, pa.float64()) | {"revenue": pa.string()}
    assert likely_amounts(mapping, types) == ("lineTotal", "order_value", "amount")
