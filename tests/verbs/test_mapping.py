"""Mapping: any table, any names, any usual types; what it saw is reported."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, MappingError

EVENTS = "SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"


def test_the_report_counts_what_it_saw(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE e AS FROM (VALUES
             (1, TIMESTAMP '2024-01-01', 'view', 1.0), (1, TIMESTAMP '2024-01-01', 'view', 1.0),
             (1, TIMESTAMP '2024-01-01', 'buy', 1.0), (1, TIMESTAMP '2024-01-02', 'buy', 1.0),
             (2, TIMESTAMP '2024-01-03', 'view', NULL), (NULL, TIMESTAMP '2024-01-03', 'view', 1.0),
             (3, NULL, 'view', 1.0), (3, TIMESTAMP '2024-01-03', NULL, 1.0), (4, 'infinity'::TIMESTAMP, 'view', 1.0))
           t(user_id, event_time, event_type, price)"""
    )
    found = sqlscore.map_events(con, "e", features=["price"]).profile
    assert (found.n_rows, found.n_events, found.n_users, found.n_actions) == (9, 5, 2, 2)
    assert (found.n_null_user, found.n_null_time, found.n_null_type) == (1, 2, 1)
    assert (found.n_duplicates, found.n_ties, found.one_event_share) == (1, 3, 0.5)
    assert (found.first_time, found.high_water) == (dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 3))
    assert con.execute("SELECT count(*) FROM sqlscore.events").fetchall() == [(5,)]


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        ("TIMESTAMP '2024-01-01 12:00:00'", None),
        ("TIMESTAMPTZ '2024-01-01 12:00:00+00'", None),
        ("TIMESTAMP_NS '2024-01-01 12:00:00'", None),
        ("TIMESTAMP_S '2024-01-01 12:00:00'", None),
        ("TIMESTAMP_MS '2024-01-01 12:00:00'", None),
        ("1704110400", "s"),
        ("1704110400::UINTEGER", "s"),
        ("1704110400.0::DOUBLE", "s"),
        ("1704110400.0::DECIMAL(18, 3)", "s"),
        ("1704110400::HUGEINT", "s"),
        ("1704110400000", "ms"),
        ("1704110400000000", "us"),
        ("1704110400000000000", "ns"),
    ],
)
def test_every_kind_of_time_maps_to_the_same_moment(
    con: duckdb.DuckDBPyConnection, expression: str, unit: str | None
) -> None:
    """In SQL and in the functions, whatever the session's time zone."""
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    con.execute(f"CREATE TABLE e AS SELECT 'u' AS user_id, {expression} AS event_time, 'view' AS event_type")
    report = sqlscore.map_events(con, "e")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    assert report.mapping.time_unit == unit
    noon = dt.datetime(2024, 1, 1, 12)
    assert con.execute("SELECT event_time FROM sqlscore.events").fetchall() == [(noon,)]
    scored = con.execute("SELECT (score_events(e)).last_event_time FROM e GROUP BY user_id").fetchall()
    assert scored == [(noon,)]


def test_dates_map_to_midnight(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, DATE '2024-01-01' AS event_time, 'view' AS event_type")
    assert sqlscore.map_events(con, "e").profile.high_water == dt.datetime(2024, 1, 1)


@pytest.mark.parametrize("user", ["7::BIGINT", "'7'", "uuid()", "7::HUGEINT", "'a'::ENUM('a', 'b')", "true"])
def test_every_kind_of_user_id_scores_and_refreshes(con: duckdb.DuckDBPyConnection, user: str) -> None:
    con.execute(
        f"CREATE TABLE e AS SELECT {user} AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"
    )
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    rows = con.execute(
        "SELECT e.user_id = s.user_id, typeof(e.user_id) = typeof(s.user_id) FROM e, sqlscore.scored_users s"
    )
    assert rows.fetchall() == [(True, True)]
    assert con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall() == [("cart",)]


@pytest.mark.parametrize("kind", ["VARCHAR", "ENUM('view', 'buy')", "INTEGER"])
def test_every_kind_of_action_maps(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    value = "'view'" if kind != "INTEGER" else "3"
    con.execute(
        f"CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, {value}::{kind} AS event_type"
    )
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(("view", "3", "x")), name="m", mapping="events", champion=True, verb="train")
    assert con.execute("SELECT (score_events(e)).unknown_action_rate FROM e GROUP BY user_id").fetchall() == [(0.0,)]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_a_file_is_mapped_where_it_lies(con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"my 'events'.{suffix}"
    con.execute(f"COPY ({EVENTS}) TO '{str(path).replace(chr(39), chr(39) * 2)}'")
    assert sqlscore.map_events(con, str(path)).profile.n_events == 1


def test_a_hive_partitioned_folder_is_mapped(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute(f"COPY ({EVENTS}, 'web' AS channel) TO '{tmp_path}/p' (FORMAT parquet, PARTITION_BY (channel))")
    report = sqlscore.map_events(con, f"{tmp_path}/p/**/*.parquet", features=["channel"])
    assert report.mapping.features[0].kind == "categorical"


def test_a_time_in_the_future_is_warned_of_and_capped(con: duckdb.DuckDBPyConnection) -> None:
    """One event in 2199 would make every user look long gone."""
    con.execute(f"CREATE TABLE e AS {EVENTS} UNION ALL SELECT 2, TIMESTAMP '2199-01-01', 'view'")
    report = sqlscore.map_events(con, "e")
    assert report.profile.n_future == 1
    assert any("time_cap" in warning for warning in report.warnings)
    capped = sqlscore.map_events(con, "e", time_cap="2024-06-01")
    assert (capped.profile.n_after_cap, capped.profile.high_water) == (1, dt.datetime(2024, 1, 1))
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    rows = con.execute("SELECT user_id, churn_risk(e) IS NULL FROM e GROUP BY user_id ORDER BY user_id").fetchall()
    assert rows == [(1, False), (2, True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": "nope"}, 'no table, view or file "nope".*"e"'),
        ({"table": "nope.parquet"}, 'no file "nope.parquet"'),
        ({"user_id": "who"}, '"e" has no column "who" for user_id .columns: "user_id"'),
        ({"features": ["event_time"]}, "two roles"),
        ({"user_id": "tags"}, r'"tags" has type .*\[\].*expected one value for a user'),
        ({"features": ["tags"]}, r'"tags" has type .*\[\]'),
        ({"features": {"channel": "numeric"}}, '"channel" has type VARCHAR, which is not a number'),
        ({"event_time": "channel"}, '"channel" has type VARCHAR.*strptime'),
        ({"event_type": "tags"}, r'"tags" has type .*\[\]'),
        ({"time_unit": "ms"}, "time_unit is for epoch numbers"),
        ({"time_cap": "soon"}, "time_cap 'soon' is not a time"),
        ({"time_cap": "1999-01-01"}, "no row can be used: of 1 rows.*1 are past the cap"),
        ({"name": "my events"}, "letters, digits and _"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_remedy(
    con: duckdb.DuckDBPyConnection, arguments: dict[str, object], message: str
) -> None:
    con.execute(f"CREATE TABLE e AS {EVENTS}, 'web' AS channel, ['a'] AS tags")
    with pytest.raises((MappingError, EventsError), match=message):
        sqlscore.map_events(con, **{"table": "e", **arguments})  # type: ignore[arg-type]
    assert sqlscore.status(con).mappings == ()


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("uuid()", r"name a column that holds a moment \(--event-time\)"),
        ("to_json(TIMESTAMP '2024-01-01')", r"""CAST\("at" ->> '\$' AS TIMESTAMP\)"""),
        ("TIME '10:00'", 'a time of day lacks its day.*"day" \\+ "at"'),
        ("'2024-01-01 10:00:00'::ENUM('2024-01-01 10:00:00')", r'CAST\("at" AS TIMESTAMP\)'),
    ],
)
def test_a_column_that_holds_no_time_is_refused_with_its_remedy(
    con: duckdb.DuckDBPyConnection, value: str, remedy: str
) -> None:
    """Whatever its type: looking at its texts raises nothing of the engine's."""
    con.execute(f"CREATE TABLE e AS SELECT 1 AS user_id, {value} AS at, 'a' AS event_type")
    with pytest.raises(EventsError, match=f"or an epoch number: .*{remedy}"):
        sqlscore.map_events(con, "e", event_time="at")


def test_temporary_tables_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TEMP TABLE e AS {EVENTS}")
    with pytest.raises(MappingError, match="a temporary table.*CREATE TABLE"):
        sqlscore.map_events(con, "e")


def test_several_tables_are_mapped_by_name(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE e AS {EVENTS}")
    con.execute("CREATE TABLE o AS SELECT 'x' AS buyer, DATE '2024-02-01' AS day, 'paid' AS what")
    sqlscore.map_events(con, "e")
    sqlscore.map_events(con, "o", user_id="buyer", event_time="day", event_type="what", name="orders")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    register(con, tiny_artifact(("paid", "back")), name="orders", mapping="orders", champion=True, verb="train")
    sqlscore.refresh(con)
    sqlscore.refresh(con, mapping="orders")
    assert con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall() == [("cart",)]
    assert con.execute("SELECT orders_predict_next_action(o) FROM o GROUP BY buyer").fetchall() == [("back",)]
    assert con.execute("SELECT user_id, next_action, model FROM sqlscore_orders.scored_users").fetchall() == [
        ("x", "back", "orders@1")
    ]
    assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(1,)]
    sqlscore.unmap(con, "orders")
    with pytest.raises(duckdb.Error, match="orders_predict_next_action"):
        con.execute("SELECT orders_predict_next_action(o) FROM o GROUP BY buyer")
    assert [m.name for m in sqlscore.status(con).mappings] == ["events"]


def test_unmap_leaves_the_users_table_and_models(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    sqlscore.unmap(shop)
    assert shop.execute("SELECT count(*) FROM clicks").fetchall() == [(200,)]
    assert [m.label for m in sqlscore.list_models(shop)] == ["tiny@1"]
    assert sqlscore.status(shop).problems[0].what == "no events are mapped"
    with pytest.raises(MappingError, match='no events are mapped as "events"'):
        sqlscore.refresh(shop)


def test_mapping_again_replaces_the_functions_and_drops_stale_scores(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    shop.execute("CREATE TABLE other AS SELECT 1 AS u, TIMESTAMP '2024-05-01' AS t, 'view' AS a, 1.0 AS price")
    sqlscore.map_events(shop, "other", user_id="u", event_time="t", event_type="a", features=["price"], force=True)
    assert shop.execute("SELECT predict_next_action(o) FROM other o GROUP BY u").fetchall() == [("cart",)]
    assert sqlscore.status(shop).mappings[0].scored_users is None


@pytest.mark.parametrize("name", ["model", "as_of", "k", "n", "e", "l", "action", "gap", "horizon", "value"])
def test_columns_named_like_parameters_do_not_matter(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """The engine binds views inside macros with the macro's parameters in scope."""
    con.execute(f"CREATE TABLE raw AS SELECT 1 AS u, TIMESTAMP '2024-01-01' AS t, 'view' AS \"{name}\", 2.5 AS price")
    con.execute(f'CREATE VIEW v AS SELECT u, t, "{name}", price FROM raw WHERE "{name}" IS NOT NULL')
    sqlscore.map_events(con, "v", user_id="u", event_time="t", event_type=name, features=["price"])
    register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
    row = con.execute("SELECT predict_next_action(v), churn_risk(v) FROM v GROUP BY u").fetchall()[0]
    assert row == ("cart", pytest.approx(1 / (1 + math.exp(0.1))))
    assert con.execute("SELECT next_action FROM sqlscore.scored_users").fetchall() == [("cart",)]
    assert con.execute("SELECT count(*) FROM sqlscore.sessions").fetchall() == [(1,)]


def test_a_failed_mapping_changes_nothing(shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails at the very end: all of it is undone."""
    shop.execute("CREATE TABLE other AS SELECT 1 AS u, TIMESTAMP '2024-01-01' AS t, 'view' AS a")
    query = 'SELECT predict_next_action(c) FROM clicks c GROUP BY "client id" ORDER BY "client id"'
    before = shop.execute(query).fetchall()

    def fail(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("sqlscore.database.mapping_objects.install_functions", fail)
        with pytest.raises(RuntimeError):
            sqlscore.map_events(shop, "other", user_id="u", event_time="t", event_type="a")
    assert shop.execute(query).fetchall() == before
    assert shop.execute("SELECT status FROM sqlscore.runs ORDER BY finished_at DESC LIMIT 1").fetchall() == [
        ("failed",)
    ]


@pytest.mark.parametrize("collation", ["nocase", "noaccent", "nocase.noaccent"])
def test_user_ids_that_are_equal_by_a_collation_are_refused(con: duckdb.DuckDBPyConnection, collation: str) -> None:
    """Sorted by the collation and told apart by their bytes, a user would have several rows; the remedy works."""
    con.execute(
        f"""CREATE TABLE e AS SELECT u COLLATE {collation} AS user_id, make_timestamp(0) AS event_time,
            'x' AS event_type FROM (VALUES ('a'), ('A')) t(u)"""
    )
    with pytest.raises(EventsError, match='"user_id" has a collation.*decode'):
        sqlscore.map_events(con, "e")
    con.execute("CREATE VIEW v AS SELECT * REPLACE (decode(encode(user_id)) AS user_id) FROM e")
    assert sqlscore.map_events(con, "v").profile.n_users == 2


def test_functions_of_another_mapping_never_read_this_one(con: duckdb.DuckDBPyConnection) -> None:
    """A transaction that is older than a mapping still has the functions of the one before."""
    con.execute(f"CREATE TABLE e AS {EVENTS}, 1.0 AS price, 2.0 AS quantity")
    sqlscore.map_events(con, "e", features=["price", "quantity"])
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="test")
    late = con.cursor()
    late.execute("BEGIN")
    query = "SELECT predict_next_action(e) FROM e GROUP BY user_id"
    before = late.execute(query).fetchall()
    sqlscore.map_events(con, "e", features=["quantity", "price"])
    with pytest.raises(duckdb.InvalidInputException, match="read other columns than those mapped.*end a transaction"):
        late.execute(query).fetchall()
    late.execute("ROLLBACK")
    assert late.execute(query).fetchall() == before


def test_functions_of_an_attached_file_never_read_this_mapping(tmp_path: Path) -> None:
    for name, features in (("a", ["price", "quantity"]), ("b", ["age", "height"])):
        with sqlscore.connect(tmp_path / f"{name}.duckdb") as con:
            con.execute(f"CREATE TABLE e AS {EVENTS}, 1.0 AS {features[0]}, 2.0 AS {features[1]}")
            sqlscore.map_events(con, "e", features=features)
            register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="test")
    with sqlscore.connect(tmp_path / "a.duckdb") as con:
        con.execute(f"ATTACH '{tmp_path / 'b.duckdb'}' AS b")
        assert con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall()
        with pytest.raises(duckdb.InvalidInputException, match="belong to another file"):
            con.execute("SELECT b.main.predict_next_action(e) FROM b.e e GROUP BY user_id").fetchall()
