"""States found by content: never another model's, never another list's."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import tiny_artifact

from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import Mapping
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
from sqlscore.models.loading import load
from sqlscore.scoring.cache.calls import KEPT, RecentCalls
from sqlscore.scoring.cache.keys import content_keys
from sqlscore.scoring.cache.states import StateCache
from sqlscore.scoring.encoding import encode_columns
from sqlscore.scoring.manifest import sha256_of

MAPPING = Mapping("events", "t", "user_id", "event_time", "event_type")
DATA = tiny_artifact()
ARTIFACT = load(DATA, sha256_of(DATA), "tiny@1")


def timed(lists: list[list[tuple[int, str]]]) -> Sequences:
    epoch = dt.datetime(2024, 1, 1)
    events = [[{"event_time": epoch + dt.timedelta(hours=h), "event_type": a} for h, a in one] for one in lists]
    kind = pa.list_(pa.struct([("event_time", pa.timestamp("us")), ("event_type", pa.string())]))
    return from_lists(pa.array(events, kind), MAPPING)


some = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["view", "cart", "new", "newer"])), min_size=1, max_size=4),
    min_size=1,
    max_size=8,
)


@given(some, some)
def test_cached_states_equal_fresh_ones(
    first: list[list[tuple[int, str]]], second: list[list[tuple[int, str]]]
) -> None:
    cache = StateCache()
    cache.encode(ARTIFACT, timed(first))
    for lists in (second, first):
        found, _ = cache.encode(ARTIFACT, timed(lists))
        fresh = ARTIFACT.encode(timed(lists))
        assert (found.hidden == fresh.hidden).all()
        assert (found.clock == fresh.clock).all()
        assert found.n_events.tolist() == fresh.n_events.tolist()
        assert found.n_unknown.tolist() == fresh.n_unknown.tolist()


@given(some)
def test_keys_are_equal_exactly_where_the_content_is(lists: list[list[tuple[int, str]]]) -> None:
    """Unseen actions have codes that depend on their batch; their keys must not."""
    sequences = timed(lists)
    keys = content_keys(encode_columns(sequences, Inputs(("view",))), Inputs(("view",)), sequences.lengths).tolist()
    alone = [
        content_keys(encode_columns(one, Inputs(("view",))), Inputs(("view",)), one.lengths)[0].tolist()
        for one in (sequences.select(np.array([i])) for i in range(len(sequences)))
    ]
    assert keys == alone
    content = [tuple(sorted(one)) for one in lists]
    assert len(set(map(tuple, keys))) == len(set(content))


def test_the_same_list_is_encoded_once_in_a_batch() -> None:
    _, encoded = StateCache().encode(ARTIFACT, timed([[(0, "view")], [(0, "view")], [(1, "view")]]))
    assert encoded == 2


def test_a_small_cache_forgets_the_oldest_and_stays_right() -> None:
    cache = StateCache(max_bytes=4 * 3 * 128)
    for hour in range(20):
        found, encoded = cache.encode(ARTIFACT, timed([[(hour, "view")], [(hour + 1, "cart")]]))
        assert found.hidden[:, 0].tolist() == [1.0, 2.0]
        assert cache.info().entries <= 3
    assert cache.info().misses == 40
    assert encoded == 2


def test_no_cache_encodes_everything() -> None:
    cache = StateCache(max_bytes=0)
    assert [cache.encode(ARTIFACT, timed([[(0, "view")]]))[1] for _ in range(2)] == [1, 1]


def test_clear_forgets() -> None:
    cache = StateCache()
    cache.encode(ARTIFACT, timed([[(0, "view")]]))
    cache.clear()
    assert cache.info().entries == 0
    assert cache.encode(ARTIFACT, timed([[(0, "view")]]))[1] == 1


def test_two_models_do_not_share_states() -> None:
    cache = StateCache()
    other_data = tiny_artifact(("cart", "view"))
    other = load(other_data, sha256_of(other_data), "other@1")
    assert cache.encode(ARTIFACT, timed([[(0, "view")]]))[0].hidden[0, 0] == 1
    assert cache.encode(other, timed([[(0, "view")]]))[0].hidden[0, 0] == 2


def test_wrong_hash_is_not_loaded() -> None:
    with pytest.raises(Exception, match="sha256"):
        load(DATA + b"x", sha256_of(DATA + b"y"), "tiny@1")


def test_calls_are_told_apart_by_all_that_they_were_given() -> None:
    """Neither a key nor an argument of the same length is enough; the oldest call makes room."""
    calls = RecentCalls()
    argument = pa.array(["a", None, "b"])
    calls.keep("model", argument, pa.array([1, 2, 3]))
    assert calls.find("model", pa.array(["a", None, "b"])) == pa.array([1, 2, 3])
    assert calls.find("other", argument) is None
    for other in (["a", "", "b"], ["a", None, "c"], ["a", None], []):
        assert calls.find("model", pa.array(other, pa.string())) is None
    for i in range(KEPT):
        calls.keep("model", pa.array([str(i)]), pa.array([i]))
    assert calls.find("model", argument) is None
    assert calls.find("model", pa.array(["0"])) == pa.array([0])
    calls.clear()
    assert calls.find("model", pa.array(["0"])) is None
