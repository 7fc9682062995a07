"""Why this score, in SQL, on a model whose answers are known."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.explanation.attribution import SINGLE

USER = '"client id"'
RATES = {"base_rates": {"churn": 0.25, "next_action": [0.5, 0.3, 0.2]}}
START = dt.datetime(2024, 1, 1)


@pytest.fixture(scope="module")
def rated_file(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with base rates, and a table of users with 1 to 50 events, two of them at the same time."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("rated") / "rated.duckdb"))
    con = sqlscore.connect(path)
    con.execute(
        """CREATE TABLE e AS
           SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_hours(7 * greatest(i, 1)) AS event_time,
                  (['view', 'cart', 'buy', 'nap'])[1 + (hash(u * 100 + i) % 4)::INT] AS event_type
           FROM (VALUES (1), (2), (5), (9), (10), (33), (50)) t(u), range(50) r(i) WHERE i < u"""
    )
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(notes=RATES), name="tiny", mapping="events", champion=True, verb="train")
    con.close()
    return path


@pytest.fixture
def rated(rated_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own like `rated_file`."""
    with sqlscore.connect(shutil.copy(rated_file, tmp_path / "rated.duckdb")) as con:
        yield con


def risk(hours: list[int], at: int) -> float:
    """The tiny model's churn risk of events at these hours."""
    return 1 / (1 + math.exp(len(hours) / 10 - (at - max(hours)) / 24)) if hours else 0.25


def test_churn_weights_are_the_shapley_values_of_the_risk_at_the_last_event(rated: duckdb.DuckDBPyConnection) -> None:
    """The definition, worked out for three events; then silence, which is no event."""
    hours = [0, 20, 50]
    expected = [0.0, 0.0, 0.0]
    for order in permutations(range(3)):
        for place, player in enumerate(order):
            before = [hours[p] for p in order[:place]]
            expected[player] += (risk([*before, hours[player]], 50) - risk(before, 50)) / 6
    events = ", ".join(f"{{'event_time': TIMESTAMP '2024-01-01' + to_hours({h}), 'event_type': 'view'}}" for h in hours)
    found = rated.execute(
        f"SELECT list_explain_churn_risk([{events}], k := NULL, as_of := TIMESTAMP '2024-01-05')"
    ).fetchall()[0][0]
    by_time = {w["event_time"]: w["weight"] for w in found}
    assert [by_time[START + dt.timedelta(hours=h)] for h in hours] == pytest.approx(expected, abs=1e-6)
    assert by_time[dt.datetime(2024, 1, 5)] == pytest.approx(risk(hours, 96) - risk(hours, 50), abs=1e-6)
    assert [w["action"] for w in found if w["event_time"] == dt.datetime(2024, 1, 5)] == ["(silence)"]


@pytest.mark.parametrize(
    ("explain", "score", "baseline"),
    [
        ("explain_churn_risk(e, k := NULL)", "churn_risk(e)", "0.25"),
        (
            "explain_next_action(e, k := NULL)",
            "predict_next_actions(e, k := 1)[1].probability",
            "map {'view': 0.5, 'cart': 0.3, 'buy': 0.2}[predict_next_action(e)]",
        ),
    ],
)
def test_weights_sum_to_the_score_minus_the_baseline(
    rated: duckdb.DuckDBPyConnection, explain: str, score: str, baseline: str
) -> None:
    """What is not accounted for would be hidden; users with one event, ties and long histories included."""
    rows = rated.execute(
        f"""SELECT user_id, {score} - {baseline}, list_sum(list_transform({explain}, lambda w: w.weight))
            FROM e GROUP BY user_id"""
    ).fetchall()
    assert len(rows) == 7
    for user, difference, total in rows:
        assert total == pytest.approx(difference, abs=1e-5), user


def test_k_takes_the_largest_first(rated: duckdb.DuckDBPyConnection) -> None:
    """Five by default, and any k is the beginning of the whole list."""
    default, two, every, many = rated.execute(
        """SELECT explain_churn_risk(e), explain_churn_risk(e, k := 2), explain_churn_risk(e, k := NULL),
                  explain_churn_risk(e, k := 1000) FROM e WHERE user_id = 10 GROUP BY user_id"""
    ).fetchall()[0]
    assert (len(default), len(two), len(every)) == (5, 2, 11)  # ten events and the silence
    assert default == every[:5]
    assert two == every[:2]
    assert many == every
    sizes = [abs(w["weight"]) for w in every]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("fold", [True, False])
def test_all_but_the_newest_events_stand_together(con: duckdb.DuckDBPyConnection, fold: bool) -> None:
    """A long history is one row beside its newest events, whether a model goes on from a state or reads all anew."""
    data = tiny_artifact(fold=fold, notes=RATES)
    register(con, data, name="m", mapping="events", champion=True, verb="train")
    query = """SELECT list_explain_churn_risk(list_transform(range({n}), lambda i: {{
                   'event_time': TIMESTAMP '2024-01-01' + to_hours(i), 'event_type': 'view'}}),
                   k := NULL, as_of := TIMESTAMP '2024-01-01' + to_hours({n} - 1))"""
    found = con.execute(query.format(n=SINGLE + 8)).fetchall()[0][0]
    assert len(found) == SINGLE + 1
    (earlier,) = [w for w in found if w["action"] == "(earlier events)"]
    assert earlier["event_time"] == START + dt.timedelta(hours=7)
    assert sum(w["weight"] for w in found) == pytest.approx(1 / (1 + math.exp((SINGLE + 8) / 10)) - 0.25, abs=1e-5)
    found = con.execute(query.format(n=SINGLE + 1)).fetchall()[0][0]
    assert {w["action"] for w in found} == {"view"}  # one earlier event is an event like the others


def test_going_on_from_a_state_explains_as_reading_anew(rated: duckdb.DuckDBPyConnection) -> None:
    """A fold encodes the earlier events once; that must change nothing."""
    register(rated, tiny_artifact(fold=False, notes=RATES), name="anew", mapping="events", champion=False, verb="train")
    different = rated.execute(
        """SELECT count(*) FROM (
             SELECT unnest(explain_churn_risk(e, k := NULL)) AS a,
                    unnest(explain_churn_risk(e, k := NULL, model := 'anew')) AS b FROM e GROUP BY user_id)
           WHERE a IS DISTINCT FROM b"""
    ).fetchall()
    assert different == [(0,)]


def test_both_forms_orders_threads_and_neighbours_agree(rated: duckdb.DuckDBPyConnection) -> None:
    """The same events have the same reasons."""
    query = """SELECT user_id, {churn}, {action} FROM {source} GROUP BY user_id ORDER BY user_id"""
    rows = {"churn": "explain_churn_risk(e, k := NULL)", "action": "explain_next_action(e)"}
    expected = rated.execute(query.format(source="e", **rows)).fetchall()
    lists = {"churn": "list_explain_churn_risk(list(e), k := NULL)", "action": "list_explain_next_action(list(e))"}
    for source in ("e", "(FROM e ORDER BY hash(event_time)) e"):
        STATES.clear()
        assert rated.execute(query.format(source=source, **lists)).fetchall() == expected
    alone = rated.execute(query.format(source="(FROM e WHERE user_id = 33) e", **rows)).fetchall()
    assert alone == [row for row in expected if row[0] == 33]
    rated.execute("SET threads = 1")
    assert rated.execute(query.format(source="e", **rows)).fetchall() == expected


def test_reasons_over_a_window_do_not_look_ahead(rated: duckdb.DuckDBPyConnection) -> None:
    """One row an event: the reasons at each moment, without silence, as the event is the moment."""
    rows = rated.execute(
        """SELECT event_time, explain_churn_risk(e, as_of := e.event_time, k := NULL) OVER (
               PARTITION BY user_id ORDER BY event_time, event_type ROWS UNBOUNDED PRECEDING) AS w
           FROM (FROM e WHERE user_id = 9) e ORDER BY event_time"""
    ).fetchall()
    assert [len(reasons) for _, reasons in rows] == list(range(1, 10))
    assert all(w["event_time"] <= time for time, reasons in rows for w in reasons)
    actions = rated.execute(
        """SELECT explain_next_action(e) OVER (PARTITION BY user_id ORDER BY event_time ROWS 2 PRECEDING) AS w
           FROM e WHERE user_id = 9"""
    ).fetchall()
    assert max(len(row[0]) for row in actions) == 3


def test_reasons_unnest_into_rows(rated: duckdb.DuckDBPyConnection) -> None:
    """As the documentation shows it: the call in a subquery, its rows outside."""
    rows = rated.execute(
        """SELECT user_id, unnest(w, recursive := true) FROM (
             SELECT user_id, explain_next_action(e, k := 2) AS w FROM e GROUP BY user_id) ORDER BY user_id"""
    )
    assert [c[0] for c in rows.description or []] == ["user_id", "event_time", "action", "weight"]
    assert len(rows.fetchall()) == 13


def test_a_plain_list_explains_the_next_action_without_times(rated: duckdb.DuckDBPyConnection) -> None:
    found = rated.execute("SELECT list_explain_next_action(['view', 'nap', 'cart'], k := NULL)").fetchall()[0][0]
    assert {w["action"] for w in found} == {"view", "nap", "cart"}
    assert {w["event_time"] for w in found} == {None}
    assert found[0]["action"] == "cart"  # the tiny model reads the last action alone
    assert found[0]["weight"] > 0.2


def test_nothing_to_explain_is_null(rated: duckdb.DuckDBPyConnection) -> None:
    row = rated.execute(
        """SELECT list_explain_next_action([]), list_explain_churn_risk(NULL), list_explain_next_action([NULL]),
                  list_explain_churn_risk([{'event_time': NULL::TIMESTAMP, 'event_type': 'view'}]),
                  list_attend_events([])"""
    ).fetchall()
    assert row == [(None,) * 5]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT explain_churn_risk(e) FROM e", 'GROUP BY "user_id"'),
        ("SELECT explain_next_action(e, k := 0) FROM e GROUP BY user_id", "k must be a whole number.*found 0"),
        ("SELECT explain_churn_risk(e, as_of := '2023-01-01') FROM e GROUP BY user_id", "later than as_of 2023-01-01"),
        ("SELECT list_explain_churn_risk(['view'])", "plain list of actions has no times"),
        ("SELECT attend_events(e) FROM e GROUP BY user_id", "tiny@1 .tiny. has no attention.*attention_rnn, transfor"),
    ],
)
def test_wrong_use_says_what_to_do(rated: duckdb.DuckDBPyConnection, query: str, message: str) -> None:
    with pytest.raises(duckdb.Error, match=message):
        rated.execute(query).fetchall()


def test_without_base_rates_explanations_start_from_even_odds(con: duckdb.DuckDBPyConnection) -> None:
    """A model that was made elsewhere may not say what is usual."""
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    found = con.execute("SELECT list_explain_next_action(['view'])[1].weight").fetchall()[0][0]
    assert found == pytest.approx(math.exp(2) / (math.exp(2) + 2) - 1 / 3, abs=1e-6)


def test_a_second_mapping_explains_its_own_events(rated: duckdb.DuckDBPyConnection) -> None:
    """Under its own prefix, with its own columns, model and newest time."""
    rated.execute("""CREATE TABLE calls AS SELECT 'é' AS "who", TIMESTAMP '2025-01-01' AS "at", 'ring' AS "model" """)
    sqlscore.map_events(rated, "calls", name="calls", user_id="who", event_time="at", event_type="model", prefix="c_")
    register(rated, tiny_artifact(("ring", "x")), name="calls", mapping="calls", champion=True, verb="train")
    row = rated.execute(
        """SELECT c_explain_churn_risk(c), c_explain_next_action(c), c_best_next_action(c, ['x'], goal := 'ring')
           FROM calls c GROUP BY who"""
    ).fetchall()[0]
    assert row[0] == [
        {
            "event_time": dt.datetime(2025, 1, 1),
            "action": "ring",
            "weight": pytest.approx(1 / (1 + math.exp(0.1)) - 0.5, abs=1e-6),
        }
    ]
    assert row[1][0]["action"] == "ring"
    assert row[2][0]["action"] == "x"
