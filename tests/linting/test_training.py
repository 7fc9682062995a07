"""What trains and judges models refuses a mapped view that shows them the future."""

from __future__ import annotations

import duckdb
import pytest

import sqlscore
from sqlscore.database.catalog import mapped
from sqlscore.errors import ModelError, TrainingError
from sqlscore.verbs.leaks import leaking_columns

VIEW = """CREATE VIEW rich AS
    SELECT user_id, event_time, event_type, {price} AS price, max(price) OVER (PARTITION BY user_id) AS dearest
    FROM clicks"""
LEAK = "lead(price) OVER (PARTITION BY user_id ORDER BY event_time)"


@pytest.fixture
def leaky(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Events whose price is that of the next event; a column that is not mapped leaks too."""
    con.execute(
        """CREATE TABLE clicks AS
           SELECT i % 30 AS user_id, TIMESTAMP '2024-01-01' + to_hours((7 * i)::INT) AS event_time,
                  (['view', 'cart', 'buy'])[1 + (i // 30 + i) % 3] AS event_type, i * 0.5 AS price
           FROM range(900) t(i)"""
    )
    con.execute(VIEW.format(price=LEAK))
    sqlscore.map_events(con, "rich", features=["price"])
    return con


def test_training_refuses_and_says_how_to_mend_it(leaky: duckdb.DuckDBPyConnection):
    with pytest.raises(TrainingError, match="--allow-leak future-frame") as raised:
        sqlscore.train(leaky)
    assert 'column "price"' in str(raised.value)
    assert 'column "dearest"' not in str(raised.value)  # no model reads it


def test_a_rule_that_does_not_exist_is_an_error(leaky: duckdb.DuckDBPyConnection):
    with pytest.raises(TrainingError, match="there is no rule no-such-rule"):
        sqlscore.train(leaky, allow_leak=["no-such-rule"])


def test_comparing_and_searching_refuse_too_unless_it_is_allowed(leaky: duckdb.DuckDBPyConnection):
    with pytest.raises(TrainingError, match="allow it with a comment .* or --allow-leak future-frame"):
        sqlscore.compare(leaky, architectures=["markov"])
    with pytest.raises(TrainingError, match="or --allow-leak future-frame"):
        sqlscore.search(leaky, trials=1)
    sqlscore.compare(leaky, architectures=["markov"], churn=False, allow_leak=["future-frame"])
    sqlscore.search(
        leaky, trials=1, max_epochs=1, churn=False, embedding=8, hidden=8, width=8, allow_leak=["future-frame"]
    )
    noted = [model.notes["allowed_leaks"] for model in sqlscore.list_models(leaky)]
    assert [leak["rule"] for leaks in noted for leak in leaks] == ["future-frame"] * 2


def test_columns_that_leak_are_not_tried(leaky: duckdb.DuckDBPyConnection):
    source = mapped(leaky, "events")
    assert leaking_columns(leaky, source, ()) == {"price", "dearest"}
    assert leaking_columns(leaky, source, ["future-frame"]) == {"dearest"}


def test_what_is_allowed_stands_in_the_notes(leaky: duckdb.DuckDBPyConnection):
    info = sqlscore.train(leaky, architecture="markov", allow_leak=["future-frame"])
    (noted,) = info.notes["allowed_leaks"]
    assert (noted["rule"], noted["column"], noted["reason"]) == ("future-frame", "price", "--allow-leak")
    assert sqlscore.evaluate(leaky)["next_action"]["n"] > 0  # it holds for judging that model too
    with pytest.raises(ModelError, match="--allow-leak future-frame"):
        sqlscore.backtest(leaky, every="10 days")


def test_a_comment_with_a_reason_is_enough(leaky: duckdb.DuckDBPyConnection):
    leaky.execute("COMMENT ON VIEW rich IS 'sqlscore: allow future-frame because prices are announced the day before'")
    info = sqlscore.train(leaky, architecture="markov")
    assert info.notes["allowed_leaks"][0]["reason"] == "prices are announced the day before"


def test_a_view_that_looks_back_trains_as_before(con: duckdb.DuckDBPyConnection, leaky: duckdb.DuckDBPyConnection):
    leaky.execute(VIEW.format(price=LEAK.replace("lead", "lag")).replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
    assert "allowed_leaks" not in sqlscore.train(leaky, architecture="markov").notes
