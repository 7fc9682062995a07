"""A file with scored customers whose names, actions and attributes are as awkward as real ones."""

from __future__ import annotations

import json
from pathlib import Path

from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.simulation.shop import simulate_shop

MARKUP = "<img src=x onerror=\"document.title='owned'\">"
STYLED = ":red[x] **bold** $a$ [link](http://127.0.0.1:9/x)"
RIGHT_TO_LEFT = "עברית ערבית"
LONG = "an action whose name goes on and on, longer than any column of any screen would ever want it to be"
ACTIONS = (MARKUP, STYLED, RIGHT_TO_LEFT, LONG, "view", "buy")
USERS = 120


def many_actions_file(path: Path, n: int = 10_000) -> Path:
    """400 customers with 10,000 different actions, some of them long, scored; each has a name and a birthday."""
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS
               SELECT i % 400 AS user_id, TIMESTAMP '2024-03-01' + to_minutes(i // 400) AS event_time,
                      concat('action ', i, CASE WHEN i % 7 = 0 THEN repeat(' and on', 30) ELSE '' END) AS event_type
               FROM range(?) AS t(i)""",
            [n],
        )
        con.execute(
            """CREATE TABLE people AS
               SELECT i AS user_id, 'person ' || i AS name, DATE '1970-01-01' + i::INTEGER AS born
               FROM range(400) AS t(i)"""
        )
        sqlscore.map_events(con, "clicks", users="people", user_features=["name"])
        actions = tuple(
            row[0] for row in con.execute("SELECT event_type FROM clicks ORDER BY event_time, user_id").fetchall()
        )
        register(con, tiny_artifact(actions), name="tiny", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
    return path


def one_action_file(path: Path, mapping: str = "events") -> Path:
    """Customers with one event each, all of the same action, and a model without a churn head."""
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS SELECT i AS user_id, TIMESTAMP '2024-03-01' + to_hours(i) AS event_time,
               'only' AS event_type FROM range(30) AS t(i)"""
        )
        sqlscore.map_events(con, "clicks", name=mapping)
        artifact = tiny_artifact(("only",), heads=("next_action", "time_to_next"))
        register(con, artifact, name="tiny", mapping=mapping, champion=True, verb="train")
        sqlscore.refresh(con, mapping=mapping)
    return path


def several_file(path: Path) -> Path:
    """Two mappings: "events" with a transformer and a graph model, trained a little, and "only", as above."""
    one_action_file(path, "only")
    with sqlscore.connect(path) as con:
        con.from_arrow(simulate_shop(users=40).events).create("shop")
        sqlscore.map_events(con, "shop")
        for name, architecture in (("graph", "gat_mingru"), ("look", "transformer")):
            sqlscore.train(con, name=name, architecture=architecture, churn=False, max_epochs=1)
        sqlscore.refresh(con)
    return path


def customers_file(path: Path) -> Path:
    """120 customers of 1 to 12 events with the tiny model, two attributes, scored, and figures of a test."""
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS
               SELECT 'customer ' || u AS who, TIMESTAMP '2024-03-01' + to_hours(7 * u % 500 + 20 * i) AS at,
                      (?::VARCHAR[])[1 + (u + u // 12 + i * i) % 6] AS what, (u % 5 + i)::DOUBLE AS price
               FROM range(?) AS users(u), range(12) AS events(i) WHERE i <= u % 12""",
            [list(ACTIONS), USERS],
        )
        con.execute(
            """CREATE TABLE crm AS
               SELECT 'customer ' || u AS who, (['DE', 'FR', NULL, '<b>IT</b>'])[1 + u % 4] AS country, u * 1.5 AS spend
               FROM range(?) AS users(u)""",
            [USERS],
        )
        sqlscore.map_events(
            con, "clicks", user_id="who", event_time="at", event_type="what", features=["price"],
            users="crm", user_features=["country", "spend"],
        )  # fmt: skip
        artifact = tiny_artifact(ACTIONS, numeric=("price",), lookback=17 * 86_400)
        register(con, artifact, name="tiny", mapping="events", champion=True, verb="train")
        figures = {
            "verdict": ["Next action: accuracy 66.0% beats the best baseline, markov3 (60.0%)."],
            "next_action": {"n": 300, "accuracy": 0.66, "log_loss": 0.9, "baselines": {"markov3": {"accuracy": 0.6}}},
            "churn": {"n": 200, "auc": 0.8, "baselines": {"recency": {"auc": 0.7}}},
            "reliability": {
                "next_action": [[0, 0, 0], [100, 52, 50], [200, 160, 148]],
                "churn": [[100, 20, 22], [100, 75, 70]],
            },
        }
        con.execute("UPDATE sqlscore.models SET metrics = ?", [json.dumps(figures)])
        sqlscore.refresh(con)
    return path
