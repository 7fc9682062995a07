"""Events of any mapping: whatever types its columns have, JSON gives the scores that SQL gives for the table's rows."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_client import answering
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.live.asked import Head, document_of, from_document
from sqlscore.live.limits import Limits
from sqlscore.live.refusals import Refusal
from sqlscore.live.scoring import Scorer
from sqlscore.quoting import identifier

AS_OF = "2030-01-01T00:00:00"
TABLES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "types": (
        """CREATE TABLE "the log" AS SELECT i % 7 AS "Who",
               TIMESTAMPTZ '2024-03-30 23:00:00+02' + to_hours(i // 14) AS "At",
               ['view', 'cart', 'buy'][1 + i % 3]::ENUM ('view', 'cart', 'buy') AS "What",
               i % 2 = 0 AS mobile, ['a', 'b'][1 + i % 2]::ENUM ('a', 'b', 'c') AS plan,
               (i * 1.25)::DECIMAL(9, 2) AS amount, nullif(i, 3)::INTEGER AS items, (i % 5)::UTINYINT AS seq
           FROM range(140) t(i)""",
        {"user_id": "Who", "event_time": "At", "event_type": "What", "features": ["mobile", "plan", "amount", "items"],
         "order": ["seq"]},
        {"numeric": ("amount", "items"), "categorical": {"mobile": ("true", "false"), "plan": ("a", "b", "c")}},
    ),
    "epochs": (
        """CREATE TABLE "the log" AS SELECT i % 7 AS user_id, 1711839600123 + i * 60000 AS ts,
               'a' || i % 3 AS event_type, 'site ' || i % 2 AS site FROM range(140) t(i)""",
        {"event_time": "ts", "group": "site"},
        {"actions": ("a0", "a1", "a2")},
    ),
    "days": (
        """CREATE TABLE "the log" AS SELECT 'u' || i % 7 AS user_id, DATE '2024-01-01' + i::INTEGER AS day,
               i % 3 AS event_type, i / 7 AS "a ""b" FROM range(140) t(i)""",
        {"event_time": "day", "features": ['a "b']},
        {"actions": ("0", "1", "2"), "numeric": ('a "b',)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_rows_of_the_users_own_table_are_scored_as_in_sql(con: duckdb.DuckDBPyConnection, kind: str):
    """Sent under the names that the application knows, and under those of sqlscore.events."""
    statement, mapping, model = TABLES[kind]
    con.execute(statement)
    sqlscore.map_events(con, "the log", **mapping)
    artifact = tiny_artifact(**model)
    register(con, artifact, name="tiny", mapping="events", champion=True, verb="train")
    wanted = con.execute(
        "SELECT user_id, list_score_events(list(e), as_of := ?::TIMESTAMP) AS scores FROM sqlscore.events e GROUP BY 1",
        [AS_OF],
    ).fetchall()
    with answering(con, Limits()) as client:
        for relation, user in (('"the log"', mapping.get("user_id", "user_id")), ("sqlscore.events", "user_id")):
            sequences = rows_of(con, relation, str(user))
            found = {result["id"]: result["score_events"] for result in client.score(sequences=sequences, as_of=AS_OF)}
            assert len(found) == len(wanted) == 7
            for name, scores in wanted:
                for part, value in scores.items():
                    shown = value.isoformat() + "Z" if isinstance(value, datetime) else value
                    assert found[name][part] == shown, (relation, name, part)


def rows_of(con: duckdb.DuckDBPyConnection, relation: str, user: str) -> list[dict[str, Any]]:
    """A table's rows as an application would send them, one sequence a user."""
    found = con.execute(f"SELECT * FROM {relation} ORDER BY hash({identifier(user)}), random()")
    names = [column[0] for column in found.description]
    users: dict[Any, list[dict[str, Any]]] = {}
    for row in found.fetchall():
        event = {name: sent(value) for name, value in zip(names, row, strict=True)}
        event.pop("site", None)  # what says to which group an event belongs is no field of an event
        users.setdefault(event[user], []).append(event)
    return [{"id": name, "events": events} for name, events in users.items()]


def sent(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2029, 12, 31))
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"when": MOMENTS, "select": st.sampled_from(["view", "cart", "buy", "new", ""]) | st.text(max_size=4)},
        optional={"price": st.none() | st.integers(-(10**6), 10**6) | st.decimals(-999, 999, places=1)},
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def shop(shop_file: Path):
    with sqlscore.connect(shop_file, read_only=True) as opened:
        yield opened


@settings(max_examples=40)
@given(st.lists(EVENTS, min_size=1, max_size=4), st.booleans())
def test_any_events_are_scored_as_in_sql(shop: duckdb.DuckDBPyConnection, sequences: list[Any], zoned: bool):
    """Of any number and order, together in one batch, with times that have a zone or none."""
    scorer = Scorer(lambda: shop)
    shape = scorer.shape("events")
    suffix = "+00:00" if zoned else ""
    group = []
    for events in sequences:
        rows = [{**event, "when": event["when"].isoformat() + suffix} for event in events]
        rows = [{name: float(v) if name == "price" and v is not None else v for name, v in row.items()} for row in rows]
        document = {"sequences": [{"events": rows}], "as_of": AS_OF}
        group.append(from_document(document, Head.of(document), shape, Limits()))
    found = scorer.score(group)
    for events, scores in zip(sequences, found, strict=True):
        lists = [{"when": e["when"], "select": e["select"], "price": e.get("price")} for e in events]
        kind = 'STRUCT("when" TIMESTAMP, "select" VARCHAR, price DECIMAL(21, 1))[]'
        (wanted,) = shop.execute(
            f"SELECT list_score_events(?::{kind}, as_of := ?::TIMESTAMP)", [lists, AS_OF]
        ).fetchall()[0]
        assert not isinstance(scores, Refusal), scores
        (value,) = scores["score_events"]
        assert (value is None) == (wanted is None)
        if wanted is not None:
            assert (value["n_events"], value["next_action"]) == (wanted["n_events"], wanted["next_action"])
            assert value["churn_risk"] == wanted["churn_risk"]
            assert value["last_event_time"] == wanted["last_event_time"].isoformat() + "Z"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_refusal(body: bytes):
    """Never an error that is a defect."""
    with suppress(Refusal):
        assert isinstance(document_of(body), dict)
