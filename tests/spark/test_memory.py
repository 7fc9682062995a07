"""States that go on give what whole histories give. Needs no Spark."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_shop import ARTIFACTS

from sqlscore.errors import EventsError
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.models.loading import load
from sqlscore.scoring.manifest import sha256_of
from sqlscore.spark.memory import Memory, from_column, go_on, remember, to_column

MODELS = [load(data, sha256_of(data), "m@1") for data in ARTIFACTS[:2]]
START = datetime(2024, 1, 1)
USER = st.lists(st.tuples(st.sampled_from(["view", "cart", "buy", "new"]), st.integers(1, 80)), min_size=2, max_size=9)


def sequences_of(users: list[list[tuple[str, int]]], since: list[int], until: list[int]) -> Sequences:
    """Of each user the events [since, until); the gaps between a user's events are in minutes."""
    actions, times, prices = [], [], []
    for user, first, end in zip(users, since, until, strict=True):
        moments = np.cumsum([gap for _, gap in user])
        for place in range(first, end):
            actions.append(user[place][0])
            times.append(START + timedelta(minutes=int(moments[place])))
            prices.append(float(place))
    lengths = np.array(until) - np.array(since)
    stamps = pa.array(times, pa.timestamp("us")).view(pa.int64()).to_numpy()
    return Sequences(pa.array(actions), stamps, offsets_of(lengths), {"price": pa.array(prices)})


def assert_same(one: Memory, other: Memory) -> None:
    for left, right in ((one.states, other.states), (one.sessions, other.sessions)):
        np.testing.assert_allclose(left.hidden, right.hidden, rtol=1e-5, atol=1e-5)
        assert left.clock.tolist() == right.clock.tolist()
        assert left.n_events.tolist() == right.n_events.tolist()
    assert one.numbers.tolist() == other.numbers.tolist()


@pytest.mark.parametrize("artifact", MODELS, ids=["tiny", "gru"])
@given(users=st.lists(USER, min_size=1, max_size=4), data=st.data())
def test_new_events_after_states_are_as_whole_histories(artifact, users, data):
    """Wherever a history is cut, in a session or between two, and however it travelled."""
    cuts = [data.draw(st.integers(1, len(user) - 1)) for user in users]
    ends, nothing = [len(user) for user in users], [0] * len(users)
    ids = pa.array([f"u{i}" for i in range(len(users))])
    whole, rows = remember(artifact, ids, sequences_of(users, nothing, ends))
    old, first = remember(artifact, ids, sequences_of(users, nothing, cuts))
    old = from_column(to_column(old, artifact.name))
    memory, newer = go_on(artifact, ids, sequences_of(users, cuts, ends), old)
    assert_same(memory, whole)
    keys = ("user_id", "session_id", "session_start", "session_end", "n_events", "next_action")
    latest = {tuple(row[k] for k in keys[:2]): row for part in (first, newer) for row in part.rows.to_pylist()}
    expected = {tuple(row[k] for k in keys[:2]): row for row in rows.rows.to_pylist()}
    assert latest.keys() == expected.keys()
    for key, row in expected.items():
        assert [latest[key][name] for name in keys] == [row[name] for name in keys]
        assert latest[key]["churn_risk"] == pytest.approx(row["churn_risk"], abs=1e-5)


def test_an_event_that_a_state_has_passed_is_refused():
    """Nothing can be put into the middle of what was folded, and nobody may believe that it was."""
    users, ids = [[("view", 1), ("cart", 5)]], pa.array(["anna"])
    old, _ = remember(MODELS[0], ids, sequences_of(users, [0], [2]))
    with pytest.raises(EventsError, match="'anna' has an event at 2024-01-01 00:06:00.*score all events once more"):
        go_on(MODELS[0], ids, sequences_of(users, [1], [2]), old)
