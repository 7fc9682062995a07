"""The SQL functions, on a model whose answers are known."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.events.unpacking import unpack
from sqlscore.scoring.cache.states import STATES

USER = '"client id"'


def encoded(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """How many lists a query encodes."""
    STATES.clear()
    before = catalog(con).encoded
    con.execute(query).fetchall()
    return catalog(con).encoded - before


@pytest.mark.parametrize(
    "query",
    [
        f"""SELECT {USER}, predict_next_action(c), churn_risk(c), predict_next_actions(c, k := 2),
                   predict_next_actions(c, k := 1), churn_risk(c, as_of := TIMESTAMP '2025-01-01'),
                   next_action_probability(c, 'buy'), seconds_to_next_action(c), embed_events(c), score_events(c)
            FROM clicks c GROUP BY {USER}""",
        f"SELECT {USER}, churn_risk(c) FROM clicks c GROUP BY {USER} HAVING churn_risk(c) > 0.1",
        f"""SELECT * FROM (SELECT {USER} AS u, churn_risk(c) AS risk, predict_next_action(c) AS next
                           FROM clicks c GROUP BY {USER}) WHERE risk > 0.1""",
    ],
)
def test_all_functions_of_a_select_share_one_encoding(shop: duckdb.DuckDBPyConnection, query: str) -> None:
    """The forward pass is the expensive part; k, as_of and the number of functions cost next to nothing."""
    assert encoded(shop, query) == 40


FRAMED = f"""SELECT {USER}, "when", predict_next_action(c) OVER w, churn_risk(c, as_of := c."when") OVER w,
    seconds_to_next_action(c) OVER w FROM clicks c
    WINDOW w AS (PARTITION BY {USER} ORDER BY "when" ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) ORDER BY ALL"""


def test_functions_over_one_frame_read_its_events_once(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine calls for each of them, with the same texts."""
    read = []

    def counted(*arguments: Any) -> Any:
        read.append(arguments)
        return unpack(*arguments)

    monkeypatch.setattr("sqlscore.udfs.encode.unpack", counted)
    STATES.clear()
    shop.execute("SET threads = 1")
    together = shop.execute(FRAMED).fetchall()
    chunks = len(read)
    assert chunks == 1
    alone = []
    for call in ("predict_next_action(c)", 'churn_risk(c, as_of := c."when")', "seconds_to_next_action(c)"):
        STATES.clear()
        query = f'SELECT {USER}, "when", {call} OVER w FROM clicks {FRAMED.partition("FROM clicks")[2]}'
        alone.append([row[2] for row in shop.execute(query).fetchall()])
    assert [row[2:] for row in together] == list(zip(*alone, strict=True))
    shop.execute(FRAMED).fetchall()
    assert len(read) == chunks + 3  # the same query again, too, reads nothing


def test_filter_on_the_user_reaches_the_encoder(shop: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT * FROM (SELECT {USER} AS u, churn_risk(c) FROM clicks c GROUP BY {USER}) WHERE u < 4"
    assert encoded(shop, query) == 4


def test_answers_are_those_of_the_model(shop: duckdb.DuckDBPyConnection) -> None:
    row = shop.execute(
        f"""SELECT predict_next_action(c), predict_next_actions(c, k := 2), next_action_probability(c, 'cart'),
                   seconds_to_next_action(c), predict_path(c, n := 4), churn_risk(c), embed_events(c)
            FROM clicks c WHERE {USER} = 0 GROUP BY {USER}"""
    ).fetchall()[0]
    top = math.exp(2) / (math.exp(2) + 2)
    # the last of the five events, i = 160, is a 'buy'
    assert row[0] == "view"
    assert [pair["action"] for pair in row[1]] == ["view", "cart"]
    assert row[1][0]["probability"] == pytest.approx(top)
    assert row[2] == pytest.approx((1 - top) / 2)
    assert row[3] == 300
    assert row[4] == ["view", "cart", "buy", "view"]
    assert row[5] == pytest.approx(1 / (1 + math.exp(5 / 10)))
    assert row[6] == [3.0, 5.0]


def test_lists_equal_rows(shop: duckdb.DuckDBPyConnection) -> None:
    """The two forms of a function are one function."""
    different = shop.execute(
        f"""SELECT count(*) FROM (
              SELECT score_events(c) AS a, list_score_events(list(c)) AS b,
                     list_score_events(list({{'user_id': {USER}, 'event_time': "when", 'event_type': "select",
                                              'price': price}})) AS d
              FROM clicks c GROUP BY {USER})
            WHERE a IS DISTINCT FROM b OR a IS DISTINCT FROM d"""
    ).fetchall()
    assert different == [(0,)]


def test_every_function_has_both_forms(shop: duckdb.DuckDBPyConnection) -> None:
    row = shop.execute(
        """WITH lists AS (SELECT list(c) AS l FROM clicks c GROUP BY "client id")
           SELECT list_predict_next_action(l), list_predict_next_actions(l), list_next_action_probability(l, 'buy'),
                  list_seconds_to_next_action(l), list_seconds_to_next_actions(l), list_next_action_within(l, 60),
                  list_predict_next_visit(l), list_predict_path(l), list_churn_risk(l), list_embed_events(l)
           FROM lists"""
    ).fetchall()
    assert all(value is not None for value in row[0])


def test_over_scores_each_event_without_look_ahead(shop: duckdb.DuckDBPyConnection) -> None:
    rows = shop.execute(
        f"""SELECT churn_risk(c, as_of := c."when") OVER (PARTITION BY {USER} ORDER BY "when"
                   ROWS BETWEEN 50 PRECEDING AND CURRENT ROW) FROM clicks c WHERE {USER} = 0 ORDER BY "when" """
    ).fetchall()
    assert [r[0] for r in rows] == pytest.approx([1 / (1 + math.exp(n / 10)) for n in range(1, 6)])


def test_default_as_of_follows_inserts(shop: duckdb.DuckDBPyConnection) -> None:
    """The high-water mark of the mapped table, never the wall clock."""
    query = f"SELECT churn_risk(c) FROM clicks c WHERE {USER} = 0 GROUP BY {USER}"
    before = shop.execute(query).fetchall()[0][0]
    shop.execute("INSERT INTO clicks VALUES (999, TIMESTAMP '2024-01-03 04:00:00', 'view', 0)")
    after = shop.execute(query).fetchall()[0][0]
    assert before == pytest.approx(1 / (1 + math.exp(0.5)))
    assert after == pytest.approx(1 / (1 + math.exp(0.5 - 2)))


@pytest.mark.parametrize(
    "as_of",
    [
        "TIMESTAMP '2024-01-02 04:00:00'",
        "TIMESTAMPTZ '2024-01-02 05:00:00+01'",
        "TIMESTAMP_NS '2024-01-02 04:00:00'",
        "'2024-01-02 04:00:00'",
        "'2024-01-02 06:00:00+02:00'",
        'max("when") + INTERVAL 1 DAY',
    ],
)
def test_as_of_may_be_any_kind_of_time_in_any_zone(shop: duckdb.DuckDBPyConnection, as_of: str) -> None:
    """Times are compared as UTC microseconds, whatever the session's zone."""
    shop.execute("SET TimeZone = 'America/New_York'")
    row = shop.execute(f"SELECT churn_risk(c, as_of := {as_of}) FROM clicks c WHERE {USER} = 0 GROUP BY {USER}")
    assert row.fetchall()[0][0] == pytest.approx(1 / (1 + math.exp(0.5 - 1)))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT churn_risk(c) FROM clicks c", 'GROUP BY "client id"'),
        (f"SELECT churn_risk(c, as_of := '2023-01-01') FROM clicks c GROUP BY {USER}", "later than as_of 2023-01-01"),
        (f"SELECT churn_risk(c, as_of := 'soon') FROM clicks c GROUP BY {USER}", "'soon' is not a time"),
        (f"SELECT churn_risk(c, as_of := 'infinity'::TIMESTAMP) FROM clicks c GROUP BY {USER}", "as_of is infinite"),
        (f"SELECT churn_risk(c, as_of := 5) FROM clicks c GROUP BY {USER}", "as_of has type"),
        (f"SELECT churn_risk(c, model := 'no') FROM clicks c GROUP BY {USER}", "no model 'no'.*tiny@1"),
        (f"SELECT next_action_probability(c, 'nap') FROM clicks c GROUP BY {USER}", "never seen action 'nap'.*'view'"),
        (f"SELECT predict_next_actions(c, k := 0) FROM clicks c GROUP BY {USER}", "k must be a whole number.*found 0"),
        ("SELECT list_churn_risk(['view'])", "plain list of actions has no times"),
        ("SELECT list_seconds_to_next_action(['view'])", "plain list of actions has no times"),
        ("SELECT list_next_action_within(['view'], 60)", "plain list of actions has no times"),
        ("SELECT list_seconds_to_next_actions(['view'])", "plain list of actions has no times"),
        ("SELECT list_predict_next_visit(['view'])", "plain list of actions has no times"),
        (
            f"SELECT next_action_within(c, -1) FROM clicks c GROUP BY {USER}",
            "seconds must be a number from 0, found -1",
        ),
        (f"SELECT next_action_within(c, 'nan'::FLOAT) FROM clicks c GROUP BY {USER}", "from 0, found nan"),
        (f"SELECT next_action_within(c, 'soon') FROM clicks c GROUP BY {USER}", "seconds has type VARCHAR.*1800"),
        (f"SELECT next_action_within(c, INTERVAL 1 HOUR) FROM clicks c GROUP BY {USER}", "seconds has type.*epoch"),
        (
            f"SELECT seconds_to_next_actions(c, quantiles := [0.5, 50]) FROM clicks c GROUP BY {USER}",
            "0 to 1, found 50",
        ),
        (f"SELECT seconds_to_next_actions(c, quantiles := 0.5) FROM clicks c GROUP BY {USER}", "a list of numbers"),
        (f"SELECT seconds_to_next_actions(c, quantiles := ['a']) FROM clicks c GROUP BY {USER}", "quantiles has type"),
        ("SELECT list_churn_risk([{'a': 1}])", 'column "when" is missing: the events have "a"'),
        ("SELECT list_predict_next_action(42)", "expected a list of events, found INTEGER"),
        (f'SELECT churn_risk(c) FROM (SELECT {USER}, "when" FROM clicks) c GROUP BY {USER}', '"select"'),
    ],
)
def test_wrong_use_says_what_to_do(shop: duckdb.DuckDBPyConnection, query: str, message: str) -> None:
    with pytest.raises(duckdb.Error, match=message):
        shop.execute(query).fetchall()


def test_nothing_to_score_is_null(shop: duckdb.DuckDBPyConnection) -> None:
    row = shop.execute(
        """SELECT list_predict_next_action([]), list_predict_next_action(NULL), list_predict_next_action([NULL]),
                  list_churn_risk([{'when': NULL::TIMESTAMP, 'select': 'view', 'price': 1}]),
                  list_churn_risk([{'when': TIMESTAMP '2024-01-01', 'select': NULL::VARCHAR, 'price': 1}]),
                  list_predict_path([]), list_embed_events(NULL), list_score_events([])"""
    ).fetchall()[0]
    assert row == (None,) * 8


def test_anonymous_events_score_as_null(shop: duckdb.DuckDBPyConnection) -> None:
    """A quarter of a real table may have no user; they are not one user."""
    shop.execute("INSERT INTO clicks VALUES (NULL, TIMESTAMP '2024-01-01', 'view', 0)")
    rows = shop.execute(f"SELECT predict_next_action(c) FROM clicks c WHERE {USER} IS NULL GROUP BY {USER}").fetchall()
    assert rows == [(None,)]


def test_plain_actions_predict_without_features_the_model_does_not_need(con: duckdb.DuckDBPyConnection) -> None:
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    row = con.execute(
        "SELECT list_predict_next_action(['view']), list_predict_path(['view'], n := 2), "
        "(list_score_events(['view', 'nope'])).unknown_action_rate, (list_score_events(['view'])).churn_risk"
    ).fetchall()[0]
    assert row == ("cart", ["cart", "buy"], 0.5, None)


def test_without_a_model_the_error_says_train(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="sqlscore train"):
        con.execute("SELECT list_predict_next_action(['view'])").fetchall()


def test_without_a_churn_head_the_error_gives_the_reason(con: duckdb.DuckDBPyConnection) -> None:
    data = tiny_artifact(heads=("next_action",), notes={"no_churn": "the data spans one day"})
    register(con, data, name="m", mapping="events", champion=True, verb="train")
    query = (
        "SELECT list_churn_risk([{'event_time': TIMESTAMP '2024-01-01', 'event_type': 'view'}], as_of := '2025-01-01')"
    )
    with pytest.raises(duckdb.Error, match="m@1 has no churn head: the data spans one day"):
        con.execute(query).fetchall()


def test_a_model_may_be_named_per_query(shop: duckdb.DuckDBPyConnection) -> None:
    register(shop, tiny_artifact(("a", "b")), name="other", mapping="events", champion=False, verb="train")
    rows = shop.execute(
        """SELECT list_predict_next_action(['a'], model := 'other@1'),
                  list_predict_next_action(['a'], model := 'other'),
                  list_predict_next_action([{'when': TIMESTAMP '2024-01-01', 'select': 'view', 'price': 1}]),
                  list_predict_next_action([{'when': TIMESTAMP '2024-01-01', 'select': 'view', 'price': 1}],
                                           model := 'champion')"""
    ).fetchall()
    assert rows == [("b", "b", "cart", "cart")]


def test_models_may_differ_by_row(shop: duckdb.DuckDBPyConnection) -> None:
    register(shop, tiny_artifact(("view", "z")), name="other", mapping="events", champion=False, verb="train")
    rows = shop.execute(
        """SELECT list_predict_next_action([{'when': TIMESTAMP '2024-01-01', 'select': 'view', 'price': 1}], model := m)
           FROM (VALUES (1, 'other@1'), (2, NULL), (3, 'tiny@1')) t(i, m) ORDER BY i"""
    ).fetchall()
    assert [r[0] for r in rows] == ["z", "cart", "cart"]


def test_threads_and_cursors_agree(shop: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT {USER}, churn_risk(c), predict_path(c) FROM clicks c GROUP BY ALL ORDER BY ALL"

    def run(_: int) -> list[tuple[object, ...]]:
        with shop.cursor() as cursor:
            return cursor.execute(query).fetchall()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(8)))
    assert all(result == results[0] for result in results)
    assert len(results[0]) == 40


def test_odd_column_names_do_not_confuse_the_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Columns called like a macro's parameters, like its table, or with quotes in them."""
    con.execute(
        """CREATE TABLE "my ""odd"" table" AS SELECT 1 AS "model", TIMESTAMP '2024-01-01' AS "as_of", 'view' AS "e",
                  2.5 AS "o'clock", 'x' AS "l" """
    )
    sqlscore.map_events(
        con, 'my "odd" table', user_id="model", event_time="as_of", event_type="e", features=["o'clock", "l"]
    )
    data = tiny_artifact(numeric=("o'clock",), categorical={"l": ("x",)})
    register(con, data, name="events", mapping="events", champion=True, verb="train")
    row = con.execute(
        """SELECT predict_next_action(t), churn_risk(t), list_predict_next_action(list(t)) FROM "my ""odd"" table" t
           GROUP BY "model" """
    ).fetchall()[0]
    assert (row[0], row[2]) == ("cart", "cart")
    assert row[1] == pytest.approx(1 / (1 + math.exp(0.1)))


def test_many_events_of_one_user(con: duckdb.DuckDBPyConnection) -> None:
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    rows = con.execute(
        """SELECT (score_events(e, as_of := '2030-01-01')).n_events FROM (
             SELECT 1 AS user_id, TIMESTAMP '2024-01-01' + to_seconds(i) AS event_time, 'view' AS event_type
             FROM range(100_000) t(i)) e GROUP BY user_id"""
    ).fetchall()
    assert rows == [(100_000,)]


@pytest.mark.parametrize("year", ["0044-03-15 (BC)", "1815-06-18", "9999-12-31", "290000-01-01"])
def test_far_times_score(con: duckdb.DuckDBPyConnection, year: str) -> None:
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    event = f"{{'event_time': TIMESTAMP '{year}', 'event_type': 'view'}}"
    row = con.execute(f"SELECT list_churn_risk([{event}], as_of := TIMESTAMP '{year}')").fetchall()
    assert row[0][0] == pytest.approx(1 / (1 + math.exp(0.1)))


def test_two_functions_over_one_window_frame_encode_once(shop: duckdb.DuckDBPyConnection) -> None:
    """The engine builds the frame's list twice; its content is found the second time."""
    frame = f'OVER (PARTITION BY {USER} ORDER BY "when" ROWS BETWEEN 50 PRECEDING AND CURRENT ROW)'
    query = f'SELECT predict_next_action(c) {frame}, churn_risk(c, as_of := c."when") {frame} FROM clicks c'
    assert encoded(shop, query) == 200


def test_a_repeated_query_is_answered_from_the_cache(shop: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT churn_risk(c) FROM clicks c GROUP BY {USER}"
    assert encoded(shop, query) == 40
    before = sqlscore.status(shop).cache
    shop.execute(query).fetchall()
    after = sqlscore.status(shop).cache
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (40, 0)


def test_risk_never_falls_beyond_the_lookback(con: duckdb.DuckDBPyConnection) -> None:
    """Training saw nobody silent for so long: there the head is not asked, and silence goes on counting."""
    register(con, tiny_artifact(lookback=86_400.0), name="m", mapping="events", champion=True, verb="train")
    event = "{'event_time': TIMESTAMP '2024-01-01', 'event_type': 'view'}"
    risks = [
        con.execute(
            f"SELECT list_churn_risk([{event}], as_of := TIMESTAMP '2024-01-01' + to_hours({hours}))"
        ).fetchall()
        for hours in (0, 12, 24, 48, 240, 24_000_000)
    ]
    found = [row[0][0] for row in risks]
    at_lookback = 1 / (1 + math.exp(0.1 - 1))
    assert found[2] == pytest.approx(at_lookback)
    assert found[3] == pytest.approx(1 - (1 - at_lookback) / 2)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(1 - 1e-4)


def test_every_table_view_and_column_has_a_comment(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(shop)
    bare = shop.execute(
        """SELECT table_name, column_name FROM duckdb_columns()
           WHERE schema_name = 'sqlscore' AND comment IS NULL"""
    ).fetchall()
    assert bare == []
