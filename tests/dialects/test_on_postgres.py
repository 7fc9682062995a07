"""The shipped views and queries for each construct, row by row, on DuckDB and on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg
import pytest
from carried_views import EDGES, FEATURES, OWN, SCORES, TABLES, WITH_MODELS, open_carried_shop, same_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_server import Postgres
from postgres_tables import copy_tables, rows_of

import sqlscore
from sqlscore.errors import TranspileError

WITH_STRUCTS = (
    "session_events",
    "session_events_with(gap := INTERVAL 1 DAY)",
    "event_sequences",
    "scored_users",
    "scored_sessions",
    "evaluate_next_action('early_scores', 'sqlscore.events')",
)
EMPTY = ("model_metrics", "group_metrics", "action_attention")
"""Views that have no rows for a model that was not trained here."""

QUERIES = (
    "SELECT user_id, count(*) / (count(*) - 20) AS x, 0.0 / (count(*) - count(price)) AS y FROM e GROUP BY user_id",
    "SELECT user_id, list(price ORDER BY event_time DESC) AS l, list(event_type ORDER BY price, event_time)[-2] AS x, "
    "list(price ORDER BY price) FILTER (WHERE price < 0) AS n FROM e GROUP BY user_id",
    "SELECT user_id, arg_max(price, event_time) AS x, list_contains(list(price ORDER BY event_time), 3.0) AS y, "
    "concat(user_id, NULL, count(*)) AS z, arg_min(price, event_time) AS m FROM e GROUP BY user_id",
    "SELECT user_id, first(price ORDER BY event_type, event_time) AS x, list(price ORDER BY event_time)[30] AS n, "
    "len(list(price ORDER BY event_time)) AS l, max(event_type) AS t, min(event_type) AS u FROM e GROUP BY user_id",
    "SELECT date_trunc('week', event_time) AS w, quantile_cont(price, 0.9) AS q, median(price) AS m FROM e GROUP BY 1",
    "SELECT a.user_id, a.event_time, b.t FROM e a ASOF LEFT JOIN (SELECT user_id, event_time AS t FROM e "
    "WHERE event_type = 'buy' GROUP BY user_id, event_time) b ON a.user_id = b.user_id AND a.event_time > b.t",
    "SELECT a.user_id, b.t FROM e a ASOF JOIN (SELECT DISTINCT user_id, event_time AS t FROM e WHERE price > 20) b "
    "ON a.user_id = b.user_id AND b.t >= a.event_time",
    "SELECT user_id, price FROM e QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY event_time, price) = 2",
    "SELECT user_id FROM (SELECT DISTINCT user_id FROM e) u ANTI JOIN (SELECT user_id AS k FROM e WHERE price > 23) b "
    "ON b.k = u.user_id",
    "SELECT user_id, event_time - lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time) > INTERVAL 30 MINUTE "
    "AS is_new FROM e",
    "SELECT user_id, sqlscore.two_sided_p(count(*) / 10) AS p, sqlscore.two_sided_p(50 + count(*)) AS q, "
    "sqlscore.utc_moment('2024-03-01T10:00:00+02:00') AS t FROM e GROUP BY user_id",
    "SELECT i.n, i.n * 2 AS d FROM (SELECT UNNEST(RANGE(2, 5)) AS n) AS i",
    "WITH RECURSIVE r AS (SELECT 1 AS i, 5 AS v UNION ALL SELECT r.i + 1, r.v * 2 FROM r WHERE r.i < 4) "
    "SELECT * FROM r",
    "SELECT CASE WHEN user_id = '' THEN error('no user') ELSE TRUE END AS x FROM e",
)

Server = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_carried_shop(tmp_path_factory.mktemp("postgres") / "shop.duckdb") as con:
        yield con


@pytest.fixture(scope="module")
def server(shop: duckdb.DuckDBPyConnection, postgres: Postgres) -> Iterator[Server]:
    """A session in another zone and with another sorting of texts, neither of which may matter."""
    with psycopg.connect(postgres.socket_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA carried")
        connection.execute("SET search_path TO carried")
        connection.execute("SET TimeZone TO 'America/New_York'")
        connection.execute("SET DateStyle TO 'German'")
        copy_tables(
            shop, connection, {name: f"FROM sqlscore.{name}" for name in TABLES} | {n: f"FROM {n}" for n in OWN}
        )
        yield connection
        connection.execute("DROP SCHEMA carried CASCADE")


CALLS = tuple(call for call in (*FEATURES, *SCORES) if call not in WITH_STRUCTS)


@pytest.mark.parametrize("query", [*(f"SELECT * FROM sqlscore.{call}" for call in CALLS), *EDGES, *QUERIES])
def test_rows_are_the_same(shop: duckdb.DuckDBPyConnection, server: Server, query: str) -> None:
    expected = shop.execute(query).fetchall()
    found = rows_of(server, sqlscore.transpile(shop, query, dialect="postgres"))
    assert expected or query.endswith(EMPTY)
    assert same_rows(expected, found)


@pytest.mark.parametrize("call", WITH_STRUCTS[:3] + WITH_MODELS)
def test_what_has_structs_or_asks_a_model_is_refused(shop: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(TranspileError, match=r"\[(struct|order|model|unknown)\]"):
        sqlscore.transpile(shop, f"SELECT * FROM sqlscore.{call}", dialect="postgres")


def test_an_error_is_raised_where_duckdb_raises(shop: duckdb.DuckDBPyConnection, server: Server) -> None:
    query = "SELECT CASE WHEN user_id <> 'u1' THEN TRUE ELSE error('not u1, please') END AS x FROM e"
    with pytest.raises(psycopg.Error, match="not u1, please"):
        rows_of(server, sqlscore.transpile(shop, query, dialect="postgres"))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u", "v", "W", ""]),
        st.integers(0, 200 * 86_400).map(lambda seconds: dt.datetime(2023, 12, 25) + dt.timedelta(seconds=seconds))
        | st.sampled_from([dt.datetime(2024, 1, 31), dt.datetime(2024, 2, 29, 23, 59, 59, 999999)]),
        st.sampled_from(["view", "cart", "Buy", "é"]),
        st.none() | st.floats(-1e6, 1e6, allow_nan=False).map(lambda price: round(price, 3)),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def carried(shop: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What is run on PostgreSQL for each view of sessions, labels and features: the same for all events."""
    return {call: sqlscore.transpile(shop, f"SELECT * FROM sqlscore.{call}", dialect="postgres") for call in FEATURES}


@settings(max_examples=8)
@given(events=EVENTS)
@pytest.mark.slow
def test_any_events_give_the_same_rows(
    shop: duckdb.DuckDBPyConnection, server: Server, carried: dict[str, str], events: list[tuple[Any, ...]]
) -> None:
    shop.execute("BEGIN")
    server.execute("BEGIN")
    try:
        shop.execute("DELETE FROM e")
        shop.executemany("INSERT INTO e VALUES (?, ?, ?, ?)", events)
        copy_tables(shop, server, {"events": "FROM sqlscore.events"})
        for call, query in carried.items():
            expected = shop.execute(f"SELECT * FROM sqlscore.{call}").fetchall()
            assert same_rows(expected, rows_of(server, query)), call
    finally:
        shop.execute("ROLLBACK")
        server.execute("ROLLBACK")
