"""Who becomes champion, who does not, and how to go back."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from command_line import run, run_json
from small_shop import open_shop
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import ModelError

ALL = ("next_action", "time_to_next", "churn")
REIGNS = "SELECT model, until IS NULL, verb FROM sqlscore.champions WHERE mapping = 'events' ORDER BY since"


def add(con: duckdb.DuckDBPyConnection, heads: tuple[str, ...] = ALL, numeric: tuple[str, ...] = ()) -> str:
    data = tiny_artifact(heads=heads, numeric=numeric)
    return register(con, data, name="events", mapping="events", champion=False, verb="train").label


@pytest.mark.parametrize("heads", [("next_action",), ("next_action", "time_to_next"), ("next_action", "churn")])
def test_a_model_that_lacks_a_head_of_the_champion_is_refused(con: duckdb.DuckDBPyConnection, heads: tuple[str, ...]):
    """Churn was promoted away: risks were NULL, and nobody had said so."""
    add(con)
    fewer, (lost, *_) = add(con, heads), [head for head in ALL if head not in heads]
    with pytest.raises(
        ModelError, match=f"{fewer} is not promoted: it has no {lost}.* head.*events@1 has; .*force=True"
    ):
        sqlscore.promote(con, fewer)
    assert con.execute(REIGNS).fetchall() == [("events@1", True, "train")]
    assert sqlscore.promote(con, fewer, force=True).is_champion
    assert sqlscore.promote(con, "events@1").is_champion  # more heads are welcome


def test_a_model_that_reads_what_is_not_mapped_is_refused() -> None:
    con = open_shop()
    label = add(con, numeric=("price", "weight"))
    with pytest.raises(ModelError, match='it reads "weight", which the mapping does not have'):
        sqlscore.promote(con, label)
    assert sqlscore.promote(con, label, force=True).is_champion


def test_a_damaged_model_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    add(con)
    label = add(con)
    con.execute("UPDATE sqlscore.models SET artifact = 'x'::BLOB WHERE version = 2")
    with pytest.raises(ModelError, match="it cannot be used: its artifact has sha256"):
        sqlscore.promote(con, label)


def test_the_champion_may_be_replaced_if_it_is_damaged(con: duckdb.DuckDBPyConnection) -> None:
    """That mends the file: what the damaged one had does not matter then."""
    add(con)
    label = add(con, ("next_action",))
    con.execute("UPDATE sqlscore.models SET artifact = 'x'::BLOB WHERE version = 1")
    assert sqlscore.promote(con, label).is_champion


def test_a_rollback_returns_to_the_champion_before(con: duckdb.DuckDBPyConnection) -> None:
    """Twice: to the one before that, not back to the one that was taken away."""
    first, second, third = add(con), add(con), add(con)
    sqlscore.promote(con, second)
    sqlscore.promote(con, third)
    assert sqlscore.rollback(con).label == second
    assert sqlscore.rollback(con).label == first
    with pytest.raises(ModelError, match=f'"events" had no champion before {first} that is still registered'):
        sqlscore.rollback(con)
    assert con.execute(REIGNS).fetchall() == [
        (first, False, "train"),
        (second, False, "promote"),
        (third, False, "promote"),
        (second, False, "rollback"),
        (first, True, "rollback"),
    ]
    assert con.execute("SELECT why FROM sqlscore.champions WHERE until IS NULL").fetchall() == [
        (f"{second} was taken back.",)
    ]


def test_a_rollback_skips_what_was_dropped(con: duckdb.DuckDBPyConnection) -> None:
    first, second, third = add(con), add(con), add(con)
    sqlscore.promote(con, second)
    sqlscore.promote(con, third)
    sqlscore.drop_model(con, second)
    assert sqlscore.rollback(con).label == first


def test_promoting_the_champion_again_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    add(con)
    sqlscore.promote(con, "events@1")
    assert con.execute(REIGNS).fetchall() == [("events@1", True, "train")]


def test_a_dropped_champion_reigns_no_longer(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.drop_model(con, add(con))
    assert con.execute(REIGNS).fetchall() == [("events@1", False, "train")]


def test_a_worse_model_is_refused_by_the_same_test_part(con: duckdb.DuckDBPyConnection) -> None:
    """Each cycles through its actions by a rule that only the good model saw."""

    def cycle(shift: int) -> None:
        con.execute(
            f"""CREATE OR REPLACE TABLE e AS
                SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_hours(7 * i + u) AS event_time,
                    'a' || ((u + {shift} * i) % 5) AS event_type
                FROM range(60) t(u), range(40) s(i)"""
        )

    for name, shift in (("good", 1), ("bad", 2)):
        cycle(shift)
        sqlscore.map_events(con, "e")
        sqlscore.train(con, architecture="markov", churn=False, name=name, promote=False)
    sqlscore.promote(con, "bad@1", force=True)
    cycle(1)
    assert sqlscore.promote(con, "good@1").is_champion
    with pytest.raises(
        ModelError, match=r"bad@1 is not promoted: its log loss of the next action is .* good@1 on the same"
    ):
        sqlscore.promote(con, "bad@1")


def test_a_model_of_another_mapping_does_not_score() -> None:
    con = open_shop()
    con.execute("CREATE TABLE orders AS SELECT user_id, event_time, event_type FROM e")
    sqlscore.map_events(con, "orders", name="orders")
    register(con, tiny_artifact(), name="orders", mapping="orders", champion=True, verb="train")
    query = "SELECT orders_churn_risk(o, model := 'm@1') FROM orders o GROUP BY user_id"
    with pytest.raises(
        duckdb.Error, match='m@1 is a model of the events mapped as "events" and does not score "orders"'
    ):
        con.execute(query).fetchall()
    assert con.execute(query.replace("m@1", "orders@1")).fetchall()


def test_the_commands_do_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    con = open_shop(path)
    add(con, ("next_action",), ("price",))
    con.close()
    refused = run("promote", path, "events@1")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert run_json("promote", path, "events@1", "--force")["is_champion"]
    assert run_json("rollback", path)["label"] == "m@1"
    assert "sqlscore refresh" in run("promote", path, "events@1", "--force").stdout
