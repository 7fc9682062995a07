"""Arrow in, ordered sequences out: the rules that make a score of a set of events unique."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import EventsError
from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import NO_TIME, Feature, Mapping
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.encoding import encode_columns, ngrams, unknown_counts

MAPPING = Mapping("events", "t", "user", "at", "what", (Feature("price", "numeric"), Feature("brand", "categorical")))

event = st.fixed_dictionaries(
    {
        "at": st.none() | st.integers(-3, 3).map(lambda n: dt.datetime(1970, 1, 1) + dt.timedelta(days=n)),
        "what": st.none() | st.sampled_from(["a", "B", "é", "b", ""]),
        "price": st.none() | st.sampled_from([0.0, 1.5, float("nan")]),
        "brand": st.none() | st.sampled_from(["x", "y"]),
    }
)
KIND = pa.list_(
    pa.struct([("at", pa.timestamp("us")), ("what", pa.string()), ("price", pa.float64()), ("brand", pa.string())])
)


def rows(sequences: Sequences) -> list[list[tuple[object, ...]]]:
    """Sequences as plain lists, NaN made comparable."""
    columns = [sequences.actions.to_pylist(), sequences.times.tolist()]
    columns += [[None if v != v else v for v in c.to_pylist()] for c in sequences.features.values()]
    flat = list(zip(*columns, strict=True))
    return [flat[a:b] for a, b in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)]


@given(st.lists(st.lists(event, max_size=8), max_size=4), st.randoms())
def test_order_of_rows_never_matters(lists: list[list[dict[str, object]]], random: object) -> None:
    """A forgotten ORDER BY is not a different score."""
    shuffled = [random.sample(events, len(events)) for events in lists]  # type: ignore[attr-defined]
    first = from_lists(pa.array(lists, KIND), MAPPING)
    second = from_lists(pa.array(shuffled, KIND), MAPPING)
    assert rows(first) == rows(second)


@given(st.lists(st.lists(event, max_size=6), max_size=4))
def test_sequences_are_valid_and_sorted(lists: list[list[dict[str, object]]]) -> None:
    """Independently computed: NULLs out, then time, then the action's bytes."""
    found = rows(from_lists(pa.array(lists, KIND), MAPPING))
    for events, sequence in zip(lists, found, strict=True):
        usable = [e for e in events if e["at"] is not None and e["what"] is not None]
        expected = sorted((e["at"], str(e["what"]).encode()) for e in usable)
        epoch = dt.datetime(1970, 1, 1)
        assert [((epoch + dt.timedelta(microseconds=r[1])), r[0].encode()) for r in sequence] == expected  # type: ignore[arg-type, attr-defined]


def test_null_and_empty_lists_are_empty_sequences() -> None:
    found = from_lists(pa.array([None, [], [{"at": dt.datetime(2024, 1, 1), "what": "a"}]], KIND), MAPPING)
    assert found.lengths.tolist() == [0, 0, 1]


def test_sliced_input_reads_its_own_rows() -> None:
    """DuckDB may pass slices; Arrow's offsets must be respected."""
    lists = pa.array([[{"at": dt.datetime(2024, 1, n), "what": f"a{n}"}] for n in range(1, 6)], KIND)
    assert from_lists(lists.slice(2, 2), MAPPING).actions.to_pylist() == ["a3", "a4"]


def test_two_users_in_one_list_raise_and_name_both() -> None:
    """Blending two users would be a silently wrong score."""
    events: list[dict[str, object]] = [
        {"user": 1, "at": dt.datetime(2024, 1, 1), "what": "a"},
        {"user": 2, "at": None, "what": "a"},
    ]
    kind = pa.list_(pa.struct([("user", pa.int64()), ("at", pa.timestamp("us")), ("what", pa.string())]))
    assert from_lists(pa.array([events], kind), MAPPING).lengths.tolist() == [1]
    events[1]["at"] = dt.datetime(2024, 1, 2)
    with pytest.raises(EventsError, match='"user" = 1 and 2.*GROUP BY "user"'):
        from_lists(pa.array([events], kind), MAPPING)


def test_neighbouring_lists_may_hold_different_users() -> None:
    kind = pa.list_(pa.struct([("user", pa.int64()), ("at", pa.timestamp("us")), ("what", pa.string())]))
    lists = [[{"user": u, "at": dt.datetime(2024, 1, 1), "what": "a"}] for u in (1, 2)]
    found = from_lists(pa.array([lists[0], [], lists[1], None], kind), MAPPING)
    assert found.lengths.tolist() == [1, 0, 1, 0]


def test_events_without_user_are_left_out() -> None:
    """A NULL group is many anonymous users, not one."""
    kind = pa.list_(pa.struct([("user", pa.int64()), ("at", pa.timestamp("us")), ("what", pa.string())]))
    assert from_lists(pa.array([[{"at": dt.datetime(2024, 1, 1), "what": "a"}]], kind), MAPPING).lengths.tolist() == [0]


@pytest.mark.parametrize(
    ("column", "unit", "expected"),
    [
        (pa.array([dt.datetime(1969, 12, 31, 23)], pa.timestamp("us")), None, -3_600_000_000),
        (pa.array([dt.datetime(1970, 1, 1, 1)], pa.timestamp("s")), None, 3_600_000_000),
        (pa.array([dt.datetime(1970, 1, 1, 1)], pa.timestamp("us", "America/New_York")), None, 3_600_000_000),
        (pa.array([-1], pa.int64()).view(pa.timestamp("ns")), None, -1),
        (pa.array([dt.date(1970, 1, 2)]), None, 86_400_000_000),
        (pa.array([2], pa.int32()), "s", 2_000_000),
        (pa.array([2], pa.int64()), "ms", 2_000),
        (pa.array([2_500], pa.int64()), "ns", 2),
        (pa.array([1.25]), "s", 1_250_000),
    ],
)
def test_every_kind_of_time_becomes_utc_microseconds(column: pa.Array, unit: str | None, expected: int) -> None:
    mapping = Mapping("events", "t", "user", "at", "what", time_unit=unit)  # type: ignore[arg-type]
    struct = pa.StructArray.from_arrays([column, pa.array(["a"])], ["at", "what"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), struct)
    assert from_lists(lists, mapping).times.tolist() == [expected]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        (pa.array([9_223_372_036_855], pa.int64()), "s"),
        (pa.array([1e300]), "s"),
        (pa.array([-(10**30)], pa.decimal128(38, 0)), "us"),
        (pa.array([2**30], pa.int32()).view(pa.date32()), None),
        (pa.array([2**62], pa.int64()).view(pa.timestamp("s")), None),
    ],
)
def test_times_beyond_microseconds_are_named_instead_of_wrapped(column: pa.Array, unit: str | None) -> None:
    mapping = Mapping("events", "t", "user", "at", "what", time_unit=unit)  # type: ignore[arg-type]
    struct = pa.StructArray.from_arrays([column, pa.array(["a"])], ["at", "what"])
    with pytest.raises(EventsError, match='"at" holds .*too far from 1970.*time_unit'):
        from_lists(pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), struct), mapping)


def test_infinite_times_are_no_times() -> None:
    infinite = pa.array([2**63 - 1, -(2**63 - 1), 0], pa.int64()).view(pa.timestamp("us"))
    struct = pa.StructArray.from_arrays([infinite, pa.array(["a", "b", "c"])], ["at", "what"])
    found = from_lists(pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), struct), MAPPING)
    assert found.actions.to_pylist() == ["c"]


def test_plain_actions_have_no_times_and_keep_their_order() -> None:
    found = from_lists(pa.array([["b", None, "a"], None]), MAPPING)
    assert found.actions.to_pylist() == ["b", "a"]
    assert found.times.tolist() == [NO_TIME, NO_TIME]
    assert found.lengths.tolist() == [2, 0]


def test_missing_column_is_named_with_what_is_there() -> None:
    struct = pa.array([[{"at": dt.datetime(2024, 1, 1), "wat": "a"}]])
    with pytest.raises(EventsError, match='column "what" is missing.*"at", "wat"'):
        from_lists(struct, MAPPING)


def test_text_time_is_refused_with_the_remedy() -> None:
    with pytest.raises(EventsError, match='"at" has type VARCHAR.*cast it to TIMESTAMP'):
        from_lists(pa.array([[{"at": "2024-01-01", "what": "a"}]]), MAPPING)


def test_canonical_names_stand_in_for_the_users_own() -> None:
    struct = pa.array([[{"event_time": dt.datetime(2024, 1, 1), "event_type": "a", "USER": 1}]])
    assert from_lists(struct, MAPPING).actions.to_pylist() == ["a"]


def test_newest_and_select_cut_whole_sequences() -> None:
    found = from_lists(pa.array([["a", "b", "c"], ["d"], ["e", "f"]]), MAPPING)
    assert rows(found.newest(2))[0][0][0] == "b"
    assert [[r[0] for r in s] for s in rows(found.select(np.array([2, 0])))] == [["e", "f"], ["a", "b", "c"]]


def test_unknown_actions_follow_the_known_codes_and_are_counted() -> None:
    inputs = Inputs(("a", "b"))
    batch = encode_columns(from_lists(pa.array([["b", "new", "a"], ["new", "other"]]), MAPPING), inputs)
    assert batch.categories[:, 0].tolist() == [2, 3, 1, 3, 4]
    assert unknown_counts(batch, inputs).tolist() == [1, 2]
    assert batch.novel_values[: batch.novel_offsets[1]].tolist() == ngrams("new").tolist()


def test_dictionary_columns_equal_plain_ones() -> None:
    """ENUM columns arrive as Arrow dictionaries."""
    plain = pa.array(["b", "new", "a"])
    inputs = Inputs(("a", "b"))
    lists = [pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), v) for v in (plain, plain.dictionary_encode())]
    codes = [encode_columns(from_lists(x, MAPPING), inputs).categories[:, 0].tolist() for x in lists]
    assert codes[0] == codes[1] == [2, 3, 1]


def test_similar_names_share_ngrams() -> None:
    common = set(ngrams("checkout").tolist()) & set(ngrams("checkout_v2").tolist())
    assert len(common) > len(set(ngrams("checkout").tolist()) & set(ngrams("login").tolist())) + 5


def test_missing_feature_of_the_model_is_named() -> None:
    sequences = from_lists(pa.array([[{"at": dt.datetime(2024, 1, 1), "what": "a"}]]), MAPPING)
    with pytest.raises(EventsError, match='"price" is missing: the model was trained with it'):
        encode_columns(sequences, Inputs(("a",), {}, ("price",)))


def test_plain_actions_have_every_feature_missing() -> None:
    batch = encode_columns(from_lists(pa.array([["a"]]), MAPPING), Inputs(("a",), {"brand": ("x",)}, ("price",)))
    assert batch.categories.tolist() == [[1, 0]]
    assert np.isnan(batch.numbers).all()


def test_users_that_are_times_beyond_the_calendar_are_named_by_their_numbers() -> None:
    event = pa.struct(
        [("user_id", pa.timestamp("us")), ("event_time", pa.timestamp("us")), ("event_type", pa.string())]
    )
    users = pa.array([2**62, 7], pa.timestamp("us"))
    times = pa.array([1, 2], pa.timestamp("us"))
    rows = pa.StructArray.from_arrays([users, times, pa.array(["a", "b"])], fields=list(event))
    with pytest.raises(EventsError, match=f"two users in one group .* {2**62}"):
        from_lists(pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), rows), Mapping(*_NAMES))


_NAMES = ("events", "e", "user_id", "event_time", "event_type")
