"""Readers of events, of states and of requests for scores."""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from fuzz_mutation import bytes_like, text_like, value_like
from fuzz_target import Target, assert_finite
from small_shop import gru_artifact, open_shop

from sqlscore.database.catalog import catalog
from sqlscore.errors import EventsError, ModelError
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.events.packing import END, SEP, field_of
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
from sqlscore.events.unpacking import unpack
from sqlscore.live.asked import Head, document_of, from_arrow, from_document
from sqlscore.live.limits import Limits
from sqlscore.live.refusals import Refusal
from sqlscore.live.scoring import Scorer
from sqlscore.models import loading
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.scoring.manifest import read_manifest, sha256_of
from sqlscore.scoring.sql_types import STATE_ARROW
from sqlscore.udfs.functions import FUNCTIONS

MAPPING = Mapping("events", '"e"', "user_id", "event_time", "event_type", (Feature("price", "numeric"),))


def packed() -> Target:
    """The text of a group's events that the row functions aggregate."""
    artifact = loading.load(gru_artifact(), sha256_of(gru_artifact()), "m@1")

    def event(time: int, action: str, user: str, price: str) -> str:
        values = (action, user, price)
        lengths = [str(len(value.encode())) for value in values]
        return "".join(f"{field}{chr(SEP)}" for field in (str(time), *lengths, *values))[:-1] + chr(END)

    many = [event(1_704_067_200_000_000 + i, ("view", "buy", "zurück")[i % 3], "u", f"g{i}.5") for i in range(5)]
    seeds = ["".join(many), many[0], event(0, f"a{chr(SEP)}b{chr(END)}", "", ""), event(-1, "", "7", "d12.50")]

    def read(texts: list[str]) -> None:
        column = pa.StructArray.from_arrays([pa.array(texts)], names=[field_of(MAPPING)])
        _score(artifact, unpack(column, MAPPING))

    return Target(lambda random: [text_like(random, seeds) for _ in range(random.choice((1, 1, 3)))], read,
                  (EventsError,), seeds)  # fmt: skip


def _score(artifact: Any, sequences: Sequences) -> None:
    """Probabilities are finite and sum to 1."""
    if len(sequences) and len(sequences.actions):
        shares = action_probabilities(artifact, artifact.encode(sequences).hidden)
        assert np.isfinite(shares).all(), "a probability is no number"
        assert np.allclose(shares.sum(1), 1, atol=1e-5), "probabilities do not sum to 1"


def lists() -> Target:
    """Lists of events, in whatever types they come."""
    artifact = loading.load(gru_artifact(), sha256_of(gru_artifact()), "m@1")
    kinds = (
        pa.string(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.timestamp("us"),
        pa.timestamp("ns", "UTC"), pa.timestamp("s"), pa.date32(), pa.null(), pa.decimal128(20, 3),
        pa.list_(pa.int8()), pa.dictionary(pa.int8(), pa.string()), pa.binary(), pa.large_string(), pa.time64("us"),
    )  # fmt: skip
    usual = {"user_id": pa.int64(), "event_time": pa.timestamp("us"), "event_type": pa.string(), "price": pa.float64()}
    raw: tuple[Any, ...] = (None, 0, 1, -1, 7, 2**40, -(2**62))

    def column(random: Random, kind: pa.DataType, size: int) -> pa.Array:
        try:
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                return pa.array([random.choice((None, "view", "buy", "", "é", "\x1f")) for _ in range(size)], kind)
            return pa.array([random.choice(raw) for _ in range(size)], pa.int64()).cast(kind, safe=False)
        except pa.ArrowException:
            return pa.nulls(size, kind)

    def make(random: Random) -> pa.Array:
        sizes = [random.randrange(4) for _ in range(random.randrange(4))]
        offsets = pa.array(np.cumsum([0, *sizes]), pa.int32())
        if random.random() < 0.2:
            return pa.ListArray.from_arrays(offsets, column(random, random.choice(kinds), sum(sizes)))
        fields = {
            name: random.choice(kinds) if random.random() < 0.2 else kind
            for name, kind in usual.items()
            if random.random() < 0.95
        }
        values = [column(random, kind, sum(sizes)) for kind in fields.values()]
        if not values:
            return pa.nulls(len(sizes))
        return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(values, names=list(fields)))

    valid = pa.array([[{"user_id": 1, "event_time": datetime(2024, 1, 1), "event_type": "view", "price": 1.0}], []])
    return Target(make, lambda lists: _score(artifact, from_lists(lists, MAPPING)), (EventsError,), valid)


def states() -> Target:
    """States of users, as the functions pass them to each other and a refresh reads them."""
    con = open_shop()
    known = catalog(con)
    heads = {internal.name: internal.body() for internal in FUNCTIONS}
    width = read_manifest(gru_artifact()).state_size
    as_of = pa.array([1_710_000_000_000_000], pa.timestamp("us"))
    raw = (0.0, 1.0, -1.0, 1e38, -1e38, 1e-40, float("nan"), float("inf"), None)

    def make(random: Random) -> tuple[str, pa.Array]:
        hidden: list[float | None] = [float(random.choice((0, 0.5, -0.5, 2))) for _ in range(width)]
        for _ in range(random.choice((0, 0, 1, 3))):
            hidden[random.randrange(width)] = random.choice(raw)
        damaged: list[list[float | None] | None] = [None, [], hidden[1:], hidden * 2]
        state = {
            "hidden": random.choice([hidden] * 36 + damaged),
            "first_time": random.choice((1_704_067_200_000_000, 0, None, -(2**62), 2**62)),
            "last_time": random.choice((1_704_067_260_000_000, 0, None, -(2**62), 2**62)),
            "n_events": random.choice((1, 5, 0, -1, None, 2**62)),
            "n_unknown": random.choice((0, 1, -1, None, 2**62)),
            "model": random.choice(("m@1", "m@1", "m@1", "m", "x@1", "", None)),
        }
        return random.choice(("next_actions", "score", "seconds_to_next", "embedding")), pa.array([state], STATE_ARROW)

    def read(given: tuple[str, pa.Array]) -> None:
        name, states = given
        name_of_mapping = pa.array(["events"])
        rest = {"score": (as_of, as_of, name_of_mapping), "next_actions": (pa.array([3]),)}.get(name, ())
        found = heads[name](known, states, *rest)
        for column in found.flatten() if pa.types.is_struct(found.type) else [found]:
            if not pa.types.is_timestamp(column.type):
                assert_finite(column.to_pylist())

    sound = {"hidden": [0.5] * width, "first_time": 0, "last_time": 60, "n_events": 2, "n_unknown": 0, "model": "m@1"}
    valid = ("score", pa.array([sound], STATE_ARROW))
    return Target(make, read, (EventsError, ModelError), valid)


def requests() -> Target:
    """Bodies of requests for scores, in JSON and in Arrow."""
    con = open_shop()
    scorer = Scorer(lambda: con)
    limits = Limits()
    event = {"event_time": "2024-01-01T00:00:00", "event_type": "view", "price": 1.5}
    documents = [
        {"sequences": [{"id": 7, "events": [event, event], "as_of": "2024-02-01T00:00:00Z"}, {"events": []}]},
        {"events": ["view", "cart"], "functions": ["predict_next_action", {"function": "predict_path", "n": 2}]},
        {"mapping": "events", "model": "m@1", "as_of": "2024-03-01", "sequences": [{"events": [event]}],
         "functions": [{"function": "churn_risk", "as": "risk"}, "embed_events"]},
    ]  # fmt: skip
    sink = pa.BufferOutputStream()
    at = {"event_time": datetime(2024, 1, 1)}
    lists = [[at | {"event_type": "view", "price": 1.0}], [at | {"event_type": "buy", "price": None}]]
    table = pa.table({"events": lists, "id": [1, 2]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = sink.getvalue().to_pybytes()

    def make(random: Random) -> tuple[bool, bytes]:
        if random.random() < 0.3:
            return True, bytes_like(random, [stream])
        if random.random() < 0.3:
            return False, bytes_like(random, [json.dumps(document).encode() for document in documents])
        return False, json.dumps(value_like(random, random.choice(documents))).encode()

    def read(given: tuple[bool, bytes]) -> None:
        in_arrow, body = given
        if in_arrow:
            asked = from_arrow(body, Head.of({}), limits)
        else:
            document = document_of(body)
            head = Head.of(document)
            asked = from_document(document, head, scorer.shape(head.mapping), limits)
        for scores in scorer.score([asked]):
            if isinstance(scores, Refusal):
                assert scores.status < 500, f"the server is at fault: {scores}"
                raise scores
            for column in scores.values():
                assert_finite(column if isinstance(column, list) else column.to_pylist())

    return Target(make, read, (Refusal,), (True, stream))
