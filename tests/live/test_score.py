"""`POST /score` with real clients: the values of SQL, errors that say what to do, bounds, and who may ask."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
import urllib.error
import urllib.parse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_client import SECRET, Client, answering
from soak_parts import wait_for
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.live.asked import Asked, Head, from_document
from sqlscore.live.batching import Batcher
from sqlscore.live.calls import own_parameters
from sqlscore.live.limits import Limits
from sqlscore.live.openapi import ARROW
from sqlscore.live.refusals import Refusal
from sqlscore.live.scoring import Scorer, Scores
from sqlscore.sql.public_functions import PUBLIC, Public

GIVEN = {
    "action": "buy",
    "seconds": 3_600,
    "label": "bought",
    "candidates": ["view", "buy"],
    "k": 2,
    "n": 4,
    "quantiles": [0.25, 0.75],
    "goal": "buy",
}
NEVER = "2030-01-01T00:00:00"
VIEW = {"when": "2024-01-01T00:00:00", "select": "view", "price": 1.5}


@pytest.fixture(scope="module")
def con(shop_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The shop, whose columns have names that need quotes."""
    with sqlscore.connect(shutil.copy(shop_file, tmp_path_factory.mktemp("live") / "shop.duckdb")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(con: duckdb.DuckDBPyConnection) -> Iterator[Client]:
    with answering(con, Limits(body_bytes=50_000, sequences=50, events=400)) as asks:
        yield asks


def sequences(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The users of the shop, as an application has them."""
    rows = con.execute(
        "SELECT \"client id\", list({'when': \"when\", 'select': \"select\", 'price': price}) FROM clicks GROUP BY ALL"
    ).fetchall()
    return [
        {"id": user, "events": [{**event, "when": event["when"].isoformat()} for event in events]}
        for user, events in rows
    ]


def own_of(public: Public) -> dict[str, Any]:
    """Values for a function's own parameters: for those that must be given, and those that have one above."""
    takes = own_parameters(public)
    needs = [name for name, default in public.parameters if default is None]
    return {name: GIVEN.get(name, "some") for name in takes if name in GIVEN or name in needs}


def in_sql(con: duckdb.DuckDBPyConnection, public: Public) -> tuple[list[Any], str]:
    """What SQL gives for all users, in the words of JSON; or why it gives nothing."""
    own, required = own_of(public), [name for name, default in public.parameters if default is None]
    named = "".join(", ?" if name in required else f", {name} := ?" for name in own)
    query = (
        f"SELECT to_json(v) FROM (SELECT user_id, list_{public.name}(list(e){named}) AS v FROM sqlscore.events e "
        "GROUP BY user_id) ORDER BY user_id"
    )
    try:
        rows = con.execute(query, list(own.values())).fetchall()
    except duckdb.Error as error:
        return [], str(error)
    return [None if text is None else json.loads(text) for (text,) in rows], ""


def like(found: Any, wanted: Any) -> bool:
    """Whether an answer is that of SQL, whose JSON writes moments with a blank and FLOAT with fewer digits."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(like(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(like, found, wanted))
    if isinstance(wanted, float):
        return bool(found == pytest.approx(wanted, rel=1e-6, abs=1e-9))
    return bool(found == wanted or str(found).rstrip("Z").replace("T", " ") == wanted)


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.name)
def test_every_function_gives_what_sql_gives(con: duckdb.DuckDBPyConnection, client: Client, public: Public):
    """Values if SQL has some, and SQL's own words if it refuses, as for a label that nobody learned."""
    document = {"sequences": sequences(con), "functions": [{"function": public.name, **own_of(public)}]}
    wanted, why = in_sql(con, public)
    if why:
        status, _, message = client.refused(document)
        assert status == 422
        assert message in why
        assert re.search("fine-tuned label|attention", message)  # what the tiny model lacks, and nothing else
        return
    found = sorted(client.score(**document), key=lambda result: result["id"])
    assert [result["id"] for result in found] == list(range(40))
    assert all(like(result[public.name], value) for result, value in zip(found, wanted, strict=True))


def test_arrow_gives_what_sql_gives(con: duckdb.DuckDBPyConnection, client: Client):
    """Bit by bit, and several functions at once."""
    query = (
        "SELECT user_id AS id, list(e) AS events, max(event_time)::TIMESTAMPTZ AS as_of FROM sqlscore.events e "
        "GROUP BY user_id"
    )
    sent = con.sql(f"{query} ORDER BY 1").to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, sent.schema) as writer:
        writer.write_table(sent)
    options = "?" + urllib.parse.urlencode({"functions": '["score_events", {"function": "embed_events", "as": "v"}]'})
    status, body, headers = client.post(sink.getvalue().to_pybytes(), ARROW, options)
    assert (status, headers["content-type"]) == (200, ARROW), body
    found = pa.ipc.open_stream(body).read_all()
    wanted = con.sql(
        f"""SELECT id, list_score_events(events, as_of := as_of::TIMESTAMP) AS score_events,
                   list_embed_events(events) AS v FROM ({query}) ORDER BY 1"""
    ).to_arrow_table()
    assert found.to_pylist() == wanted.to_pylist()


def test_one_sequence_needs_no_list_and_plain_actions_no_times(con: duckdb.DuckDBPyConnection, client: Client):
    """The shortest requests that there are."""
    (found,) = client.score(events=["view", "cart"], functions=["predict_next_action"])
    assert con.sql("SELECT list_predict_next_action(['view', 'cart'])").fetchall() == [(found["predict_next_action"],)]
    assert client.score(events=[]) == [{"score_events": None}]
    (found,) = client.score(events=[VIEW], as_of="2024-01-09T01:00:00+01:00")
    assert found["score_events"]["as_of"] == "2024-01-09T00:00:00Z"


EVENT: Any = [dict(VIEW)]


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        (b"{", "", "is not JSON"),
        (b'{"events": [NaN]}', "", "NaN is no number"),
        ([1], "the body", "send an object"),
        ({"sequences": []}, "sequences", "is []: write a list"),
        ({"sequence": []}, "sequence", "there is no such field"),
        ({"sequences": [{"events": EVENT, "user": 1}]}, "sequences[0].user", "a sequence has id, events, as_of"),
        ({"events": [VIEW, 3]}, "sequences[0].events[1]", "write each event as an object"),
        ({"events": ["view", None]}, "sequences[0].events[1]", "write all so"),
        (
            {"events": [{**VIEW, "prise": 1}]},
            "sequences[0].events[0].prise",
            "events have event_time, event_type, price",
        ),
        ({"events": [VIEW, {**VIEW, "price": "dear"}]}, "sequences[0].events[1].price", 'is "dear": write it as'),
        ({"events": [{"select": "view"}]}, "sequences[0].events[0].event_time", "is null: every event needs it"),
        ({"events": [{**VIEW, "when": "soon"}]}, "sequences[0].events[0].event_time", 'is "soon": write it as "2024'),
        ({"events": [{**VIEW, "select": 7.5}]}, "sequences[0].events[0].event_type", "write the action as text"),
        ({"events": EVENT, "as_of": "soon"}, "sequences[0].as_of", 'is "soon": write it as "2024'),
        ({"events": EVENT, "as_of": "2020-01-01"}, "sequences", "a score may not see the future"),
        ({"events": EVENT, "model": "other"}, "model", "there is no model 'other'"),
        ({"events": EVENT, "model": 1}, "model", 'is 1: write "name@version"'),
        ({"events": EVENT, "mapping": "orders"}, "mapping", "no events are mapped under that name (have: events)"),
        ({"events": EVENT, "functions": ["churn"]}, "functions[0].function", "take one of attend_events, best_next"),
        ({"events": EVENT, "functions": []}, "functions", "write a list of 1 to 10"),
        ({"events": EVENT, "functions": ["churn_risk"] * 2}, "functions[1]", 'add "as": "another name"'),
        (
            {"events": EVENT, "functions": [{"function": "predict_path", "m": 3}]},
            "functions[0].m",
            "predict_path takes n: leave it out",
        ),
        (
            {"events": EVENT, "functions": [{"function": "predict_path", "n": 0}]},
            "sequences",
            "n must be a whole number",
        ),
        ({"events": EVENT, "functions": ["next_action_probability"]}, "functions[0]", 'needs "action": add it'),
        (
            {"events": [{**VIEW, "client id": 1}, {**VIEW, "client id": 2}]},
            "sequences[0].events[1].client id",
            "send one sequence a user",
        ),
        ({"sequences": [{"events": EVENT}] * 51}, "sequences", "has 51 sequences, at most 50 are taken"),
        ({"events": EVENT * 401}, "events", "has 401 events, at most 400 are taken"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(client: Client, document: Any, field: str, said: str):
    """An application's developer reads nothing but this."""
    status, where, message = client.refused(document)
    assert (status, where) == (422, field)
    assert said in message


HALF = "\ud800"


@pytest.mark.parametrize(
    "document",
    [
        {"events": [{**VIEW, "select": HALF}], "as_of": NEVER},
        {"events": [HALF]},
        {"events": [{HALF: 1}]},
        {"events": [VIEW], "as_of": NEVER, "model": HALF},
        {"events": [VIEW], "mapping": HALF},
        {"events": [VIEW], "as_of": HALF},
        {"events": ["view"], "functions": [{"function": "next_action_probability", "action": HALF}]},
        {"events": [{**VIEW, "select": json.loads("[" * 500 + "]" * 500)}], "as_of": NEVER},
    ],
)
def test_half_a_character_is_refused_and_not_a_defect(client: Client, document: Any):
    """JSON can write what no text can hold; the message can still be sent."""
    assert client.refused(document)[0] == 422


def test_any_id_comes_back(client: Client):
    """Whatever JSON can say."""
    ids = [None, 7, -1.5, "ä", HALF, [1, {"a": True}], {"user": HALF}]
    found = client.score(sequences=[{"id": one, "events": ["view"]} for one in ids])
    assert [result["id"] for result in found] == ids


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=9)
WORDS = [
    *("events", "sequences", "functions", "model", "mapping", "as_of", "id", "when", "select", "price", "function")
]
ANY = st.recursive(
    PLAIN | st.just(VIEW) | st.sampled_from(["2024-01-01", "view", "churn_risk"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(WORDS), ANY, max_size=5) | ANY)
def test_no_document_is_a_defect(client: Client, document: Any):
    """Whatever is sent is scored or refused in a sentence."""
    status, body, _ = client.post(json.dumps(document).encode())
    assert status in (200, 422), body


def test_who_has_no_token_is_told_nothing(client: Client):
    """Neither whether the body was right."""
    for secret in ("", "x" * len(SECRET), SECRET + "x"):
        status, body, headers = Client(client.url, secret).post(b"{}")
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert b"send the token" in body


def test_bodies_have_a_kind_and_a_bound(client: Client):
    """Said before the body is read, where its length is said."""
    status, body, _ = client.post(b"{}", "text/plain")
    assert (status, b'"text/plain": send application/json' in json.loads(body)["error"]["message"].encode()) == (
        415,
        True,
    )
    status, body, _ = client.post(b" " * 50_001)
    assert status == 413
    assert "50,001 bytes, at most 50,000" in json.loads(body)["error"]["message"]
    status, body, _ = client.post(b"no arrow", ARROW)
    assert status == 422
    assert "no stream of Arrow IPC" in json.loads(body)["error"]["message"]


def test_a_new_champion_answers_at_once(con: duckdb.DuckDBPyConnection, client: Client):
    """A retraining in the same process promotes it while applications ask."""
    assert client.score(events=[VIEW], as_of=NEVER)[0]["score_events"]["model"] == "tiny@1"
    register(
        con,
        tiny_artifact(numeric=("price",), notes={"second": 1}),
        name="tiny",
        mapping="events",
        champion=True,
        verb="train",
    )
    assert client.score(events=[VIEW], as_of=NEVER)[0]["score_events"]["model"] == "tiny@2"
    sqlscore.promote(con, "tiny@1", force=True)
    assert client.score(events=[VIEW], as_of=NEVER)[0]["score_events"]["model"] == "tiny@1"


def test_many_clients_get_each_their_own(con: duckdb.DuckDBPyConnection, client: Client):
    """However their requests were put together."""
    users = sequences(con)
    alone = {user["id"]: client.score(**user)[0] for user in users}
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda user: client.score(**user)[0], users * 5))
    assert [result == alone[result["id"]] for result in found] == [True] * 200
    metrics = client.get("/metrics")
    assert 'sqlscore_score_requests_total{status="200"}' in metrics
    assert "sqlscore_score_batch_requests_bucket" in metrics


class Held(Scorer):
    """Scores when it is let, and notes how many requests came together."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        super().__init__(lambda: con)
        self.let, self.begun, self.groups = threading.Event(), threading.Event(), list[int]()

    def score(self, group: Sequence[Asked]) -> list[Scores]:
        self.groups.append(len(group))
        self.begun.set()
        assert self.let.wait(60)
        return super().score(group)


def test_requests_that_wait_together_are_scored_together(con: duckdb.DuckDBPyConnection):
    """The first begins alone; those that came meanwhile are one batch, by what they ask; a wrong one fails alone."""
    head, other = Head.of({}), Head.of({"functions": ["churn_risk"]})
    scorer = Held(con)
    shape = scorer.shape("events")

    def asked(head: Head, as_of: str) -> Asked:
        document = {"sequences": [{"events": [VIEW], "as_of": as_of or None}]}
        return from_document(document, head, shape, Limits())

    async def run() -> list[Any]:
        with closing(Batcher(scorer.score, Limits())) as batcher:
            first = asyncio.create_task(batcher.scores(asked(head, NEVER)))
            await asyncio.to_thread(scorer.begun.wait, 60)
            moments = [NEVER, "2020-01-01", "", NEVER]
            tasks = [asyncio.create_task(batcher.scores(asked(head, moment))) for moment in moments]
            tasks.append(asyncio.create_task(batcher.scores(asked(other, NEVER))))
            await asyncio.sleep(0)
            assert batcher.waiting == 5
            scorer.let.set()
            found: list[Any] = await asyncio.gather(first, *tasks, return_exceptions=True)
            return found

    found = asyncio.run(run())
    assert scorer.groups[:2] == [1, 4]
    assert sum(scorer.groups[:2]) + scorer.groups[-1] == 6
    assert [isinstance(one, Refusal) for one in found] == [False, False, True, False, False, False]
    assert list(found[-1]) == ["churn_risk"]


DOCUMENT = json.dumps({"events": [VIEW], "as_of": NEVER}).encode()


def test_one_more_than_may_wait_is_told_so(con: duckdb.DuckDBPyConnection):
    """The others are scored when their turn comes."""
    scorer = Held(con)
    with answering(con, Limits(waiting=1, seconds=60), scorer) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, DOCUMENT)
        assert scorer.begun.wait(60)
        second = pool.submit(client.post, DOCUMENT)
        wait_for("a request that waits", lambda: "sqlscore_score_waiting 1.0" in client.get("/metrics"))
        status, body, headers = client.post(DOCUMENT)
        assert (status, headers["retry-after"]) == (429, "1")
        assert "1 requests with 1 events wait already: ask again" in json.loads(body)["error"]["message"]
        scorer.let.set()
        assert [first.result()[0], second.result()[0]] == [200, 200]


def test_a_server_that_stops_answers_who_asked_before(con: duckdb.DuckDBPyConnection):
    """And takes nobody else."""
    scorer = Held(con)
    with ThreadPoolExecutor(2) as pool:
        with answering(con, Limits(), scorer) as client:
            asked = pool.submit(client.post, DOCUMENT)
            assert scorer.begun.wait(60)
            threading.Timer(0.2, scorer.let.set).start()  # the server is asked to stop at once, when this block ends
        assert asked.result()[0] == 200
        with pytest.raises(urllib.error.URLError):
            client.post(DOCUMENT)


def test_who_waits_too_long_is_told_so_and_leaves_the_queue(con: duckdb.DuckDBPyConnection):
    """One that is scored already, and one that only waits."""
    scorer = Held(con)
    with answering(con, Limits(waiting=1, seconds=0.2), scorer) as client:
        for _ in range(3):
            status, body, _ = client.post(DOCUMENT)
            assert status == 503
            assert "within 0.2 seconds: ask again" in json.loads(body)["error"]["message"]
        assert "sqlscore_score_waiting 0.0" in client.get("/metrics")
        scorer.let.set()


def test_the_description_is_openapi_and_its_page_loads_nothing(client: Client):
    """It names every function, and works on a machine without a network."""
    document = json.loads(client.get("/openapi.json"))
    names = [one["properties"]["function"]["const"] for one in document["components"]["schemas"]["Call"]["anyOf"][1:]]
    assert names == [public.name for public in PUBLIC]
    page = client.get("/docs")
    assert "churn_risk" in page
    assert "src=" not in page
    assert "//" not in page
    models = pytest.importorskip("fastapi.openapi.models")
    assert models.OpenAPI.model_validate(document).openapi == "3.1.0"
    assert models.PathItem.model_validate(document["paths"]["/score"]).post.operationId == "score"
