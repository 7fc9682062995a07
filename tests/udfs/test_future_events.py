"""Functions over your own rows read the rows they are given, whatever lies in the future: docs/guards.md says how."""

from __future__ import annotations

import duckdb
import pytest

USER = 'WHERE "client id" = 3 GROUP BY "client id"'


@pytest.fixture
def ahead(shop: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A user whose newest event lies in the future; the last one before it, i = 163, is a view."""
    shop.execute("INSERT INTO clicks VALUES (3, TIMESTAMP '2094-01-01', 'cart', 1)")
    return shop


@pytest.mark.parametrize("call", ["predict_next_action(c)", "list_predict_next_action(list(c))"])
def test_the_next_action_is_that_after_the_rows_that_are_given(ahead: duckdb.DuckDBPyConnection, call: str) -> None:
    assert ahead.execute(f"SELECT {call} FROM clicks c {USER}").fetchall() == [("buy",)]
    now = ahead.execute(f"""SELECT {call} FROM clicks c WHERE "when" <= now() AND "client id" = 3""").fetchall()
    live = ahead.execute("SELECT next_action FROM sqlscore.live_scored_users WHERE user_id = 3").fetchall()
    assert now == live != [("buy",)]


@pytest.mark.parametrize("call", ["churn_risk(c{})", "score_events(c{})", "list_churn_risk(list(c){})"])
def test_a_score_as_of_the_newest_event_refuses_a_later_one(ahead: duckdb.DuckDBPyConnection, call: str) -> None:
    """The newest event is one that has come, so that nobody looks long gone."""
    with pytest.raises(duckdb.Error, match=r"an event at 2094-01-01 00:00:00 is later than as_of 2024-01-01 04:00:00"):
        ahead.execute(f"SELECT {call.format('')} FROM clicks c {USER}")
    asked = call.format(", as_of := TIMESTAMP '2094-01-02'")
    assert len(ahead.execute(f"SELECT {asked} FROM clicks c {USER}").fetchall()) == 1
