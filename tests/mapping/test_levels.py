"""Actions with two levels: the coarse one is predicted, the fine one is read beside it."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

import sqlscore
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.reading import from_columns

EVENTS = "SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"

TWO_LEVELS = """CREATE TABLE e AS SELECT * FROM (VALUES
    (1, TIMESTAMP '2024-01-01', 'view', 'view:shoes'), (1, TIMESTAMP '2024-01-02', 'buy', 'buy:shoes'),
    (1, TIMESTAMP '2024-01-02', 'buy', 'buy:hat'), (2, TIMESTAMP '2024-01-01', 'view', 'any'),
    (2, TIMESTAMP '2024-01-02', 'buy', 'any'), (2, TIMESTAMP '2024-01-03', 'view', NULL),
    (3, TIMESTAMP '2024-01-03', NULL, 'view:hat')) t(user_id, event_time, "the type", "sub type")"""


def test_two_levels_predict_the_coarse_one_and_read_the_fine_one(con: duckdb.DuckDBPyConnection) -> None:
    """The actions everywhere, in views and scores, are the level; an event without it is none, one without the finer
    action is one."""
    con.execute(TWO_LEVELS)
    report = sqlscore.map_events(con, "e", event_type="SUB TYPE", level="The Type")
    assert (report.mapping.event_type, report.mapping.subtype) == ("the type", "sub type")
    assert [(feature.name, feature.kind) for feature in report.mapping.features] == [("sub type", "categorical")]
    assert (report.profile.n_events, report.profile.n_actions, report.profile.n_null_type) == (6, 2, 1)
    assert report.to_dict()["levels"] == {"n_subtypes": 4, "n_null_subtype": 1, "n_shared_subtypes": 1}
    actions = con.execute("SELECT DISTINCT event_type FROM sqlscore.events ORDER BY 1").fetchall()
    assert actions == [("buy",), ("view",)]
    assert con.execute("SELECT sum(n_transitions) FROM sqlscore.transitions WHERE next_action = 'buy'").fetchall() == [
        (3,)
    ]


@pytest.mark.slow
def test_the_finer_action_predicts_what_the_coarse_one_cannot(con: duckdb.DuckDBPyConnection) -> None:
    """A view is followed by what it was a view of; and without the finer action the score is another one."""
    con.execute(
        """CREATE TABLE e AS WITH steps AS (
             SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_hours(24 * i + u) AS event_time, i,
                 md5_number_lower(concat(u, ':', i // 2)) % 2 AS wanted FROM range(80) t(u), range(8) s(i))
           SELECT user_id, event_time, CASE WHEN i % 2 = 0 THEN 'view' WHEN wanted THEN 'buy' ELSE 'leave' END AS kind,
               CASE WHEN i % 2 = 1 THEN kind WHEN wanted THEN 'view:cheap' ELSE 'view:dear' END AS detail FROM steps"""
    )
    sqlscore.map_events(con, "e", event_type="detail", level="kind")
    info = sqlscore.train(con, churn=False, max_epochs=6)
    figures = info.metrics["next_action"]
    assert figures["accuracy"] > 0.95
    assert figures["baselines"]["markov2"]["accuracy"] < 0.85
    assert {
        action for (action,) in con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall()
    } <= {
        "view",
        "buy",
        "leave",
    }
    query = """SELECT round(next_action_probability(v, 'buy'), 6)
               FROM (SELECT {} FROM e WHERE user_id = 1 AND event_time < '2024-01-01 12:00') v"""
    shown, hidden = con.execute(query.format("*")), con.execute(query.format("* REPLACE (NULL::VARCHAR AS detail)"))
    assert shown.fetchall() != hidden.fetchall()


def test_ties_are_broken_by_the_level_and_then_by_the_finer_action(con: duckdb.DuckDBPyConnection) -> None:
    """The score of a set of events does not depend on the order of its rows."""
    con.execute(TWO_LEVELS)
    mapping = sqlscore.map_events(con, "e", event_type="sub type", level="the type").mapping
    for order in ("ASC", "DESC"):
        table = con.sql(f'FROM e WHERE "user_id" = 1 ORDER BY "sub type" {order}').to_arrow_table().combine_chunks()
        columns = {name: table[name].chunk(0) for name in table.column_names}
        ordered = from_columns(columns, np.array([0, 3]), mapping)
        assert ordered.features["sub type"].to_pylist() == ["view:shoes", "buy:hat", "buy:shoes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "nope"}, '"e" has no column "nope" for level'),
        ({"level": "what"}, '"what" is given as event_type and as its level'),
        ({"event_type": "event_type", "level": "what"}, "CREATE VIEW two_levels AS SELECT .* RENAME"),
        ({"event_type": "tags", "level": "what"}, r'event_type column "tags" has type .*\[\]'),
        ({"event_type": "what", "level": "tags"}, r'event_type column "tags" has type .*\[\]'),
        ({"level": "event_type", "features": ["what"]}, '"what" is given two roles'),
    ],
)
def test_levels_that_cannot_be_are_refused_with_the_remedy(
    con: duckdb.DuckDBPyConnection, arguments: dict[str, object], message: str
) -> None:
    con.execute(f"CREATE TABLE e AS {EVENTS}, 'web' AS what, ['a'] AS tags")
    with pytest.raises((MappingError, EventsError), match=message):
        sqlscore.map_events(con, "e", **{"event_type": "what", **arguments})  # type: ignore[arg-type]


def test_levels_the_wrong_way_round_are_warned_of(con: duckdb.DuckDBPyConnection) -> None:
    """A level with more values than what it is the level of is hardly what was meant."""
    con.execute(TWO_LEVELS)
    report = sqlscore.map_events(con, "e", event_type="the type", level="sub type")
    assert any("the wrong way round" in warning for warning in report.warnings)
