"""What the row functions collect is what `list(e)` holds: the same events, whatever their types and characters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import EventsError
from sqlscore.events.inputs import Inputs
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import Feature, Mapping, TimeUnit
from sqlscore.events.packing import field_of, packed
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
from sqlscore.events.unpacking import is_packed, unpack
from sqlscore.scoring.batch import Batch, encode_sequences

MAPPING = Mapping("events", "e", "who", "at", "what", (Feature("price", "numeric"), Feature("brand", "categorical")))
PLAIN = Mapping("events", "e", "who", "at", "what")

texts = st.text(st.sampled_from(["a", "é", "\x1e", "\x1f", "\x00", "1", "t", "\U0001f600", "\n"]), max_size=4)
times = st.integers(-3, 3).map(lambda n: dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=n * 10**11))
event = st.tuples(
    st.none() | times,
    st.none() | texts,
    st.none() | st.sampled_from([0.0, -1.5, 1e300, float("nan"), float("inf")]),
    st.none() | texts,
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def table(con: duckdb.DuckDBPyConnection, query: str) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE e AS {query}")


def both(con: duckdb.DuckDBPyConnection, mapping: Mapping, by: str = "who") -> tuple[Sequences, Sequences]:
    """The groups of table e, as the row functions read them and as lists."""
    query = f"SELECT {packed(mapping)} AS packed, list(e) AS listed FROM e GROUP BY {by} ORDER BY {by}"
    table = con.sql(query).to_arrow_table().combine_chunks()
    texts, lists = table["packed"].combine_chunks(), table["listed"].combine_chunks()
    assert is_packed(texts.type)
    return unpack(texts, mapping), from_lists(lists, mapping)


def batch_of(sequences: Sequences, mapping: Mapping) -> Batch:
    categorical: dict[str, tuple[str, ...]] = {
        f.name: ("a", "é", "1", "true", "x", "0.1", "1.50", "-128", "inf", "nan")
        for f in mapping.features
        if f.kind == "categorical"
    }
    numeric = tuple(f.name for f in mapping.features if f.kind == "numeric")
    return encode_sequences(sequences, Inputs(("a", "é"), categorical, numeric))


def as_read(sequences: Sequences, mapping: Mapping) -> list[object]:
    """All that a model is given of the sequences, as plain values."""
    tensors = [tensor.numpy() for tensor in batch_of(sequences, mapping)]
    actions = sequences.actions.cast(pa.string()).to_pylist()
    return [actions, sequences.times.tolist(), *(np.nan_to_num(t, nan=-0.125).tolist() for t in tensors)]


@given(st.lists(st.tuples(st.none() | texts, st.lists(event, max_size=5)), max_size=4, unique_by=lambda g: g[0]))
def test_rows_say_what_lists_say(
    con: duckdb.DuckDBPyConnection, groups: list[tuple[str | None, list[tuple[object, ...]]]]
) -> None:
    """Separators inside values, empty text beside NULL, infinite numbers, ties: nothing is lost or moved."""
    columns: list[list[object]] = [[], [], [], [], []]
    for user, events in groups:
        for one in events:
            for column, value in zip(columns, (user, *one), strict=True):
                column.append(value)
    types = [pa.string(), pa.timestamp("us"), pa.string(), pa.float64(), pa.string()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    con.register("given", pa.table(arrays, ["who", "at", "what", "price", "brand"]))
    table(con, "FROM given")
    for mapping in (MAPPING, PLAIN):
        mine, theirs = both(con, mapping)
        assert as_read(mine, mapping) == as_read(theirs, mapping)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("TIMESTAMP '1969-12-31 23:00:00.000001'", None),
        ("TIMESTAMP_S '1970-01-01 01:00:00'", None),
        ("TIMESTAMP_MS '1969-12-31 23:59:59.999'", None),
        ("make_timestamp_ns(-1500)", None),
        ("TIMESTAMPTZ '1970-01-01 01:00:00+05:30'", None),
        ("DATE '0044-03-15 (BC)'", None),
        ("TIMESTAMP 'infinity'", None),
        ("DATE '-infinity'", None),
        ("TIMESTAMP '294246-12-31'", None),
        ("NULL::TIMESTAMP", None),
        ("NULL", "s"),
        ("2::TINYINT", "s"),
        ("2::UBIGINT", "ms"),
        ("-1500::BIGINT", "ns"),
        ("2500::HUGEINT", "ns"),
        ("1.25::DOUBLE", "s"),
        ("'nan'::DOUBLE", "s"),
        ("-1.25::FLOAT", "ms"),
        ("1.25::DECIMAL(9, 2)", "s"),
        ("7::DECIMAL(30, 0)", "us"),
        ("TIMESTAMP '2024-01-01'", "s"),
        ("1640995200001500.3::DOUBLE", "ns"),
        ("1640995200000002501::DOUBLE", "ns"),
        ("'2024-01-01 00:00:00.000001999+00'::TIMESTAMPTZ_NS", None),
    ],
)
def test_every_type_of_time_is_read_as_in_a_list(
    con: duckdb.DuckDBPyConnection, value: str, unit: TimeUnit | None
) -> None:
    con.execute("SET TimeZone = 'America/New_York'")
    table(con, f"SELECT 1 AS who, {value} AS at, 'a' AS what")
    mapping = Mapping("events", "e", "who", "at", "what", time_unit=unit)
    mine, theirs = both(con, mapping)
    assert as_read(mine, mapping) == as_read(theirs, mapping)
    assert len(mine) == 1


@pytest.mark.parametrize(
    "values",
    [
        "(1::TINYINT), (-128)", "(1::UBIGINT), (18446744073709551615)", "(1.50::DECIMAL(18, 2)), (-0.25)",
        "(9007199254740993::BIGINT), (9007199254740992)", "(1e37::HUGEINT), (-1)",
        "(true), (false)", "(0.1::FLOAT), ('-inf'), ('nan')", "('x'::ENUM('x', 'é')), ('é')", "(''), (' x'), ('x')",
        "(NULL::INTEGER)",
        "(0.1::DECIMAL(38, 30)), (NULL)", "(5::UHUGEINT), (1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["categorical", "numeric"])
def test_features_of_every_type_break_ties_as_in_a_list(
    con: duckdb.DuckDBPyConnection, values: str, kind: Kind
) -> None:
    """Numbers by value, text by its bytes, NULL and NaN last; all rows happen at one moment."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE v AS SELECT * FROM (VALUES {values}, (NULL)) t(f)")
    text = con.sql("FROM v").types[0].id in ("varchar", "enum")
    if kind == "numeric" and (text or con.sql("FROM v").types[0].id == "boolean"):
        pytest.skip("no number")
    table(
        con,
        """SELECT 1 AS who, TIMESTAMP '2024-01-01' AS at, 'a' AS what, v.f, u.mark
           FROM v, (VALUES ('a'), ('é')) u(mark) ORDER BY hash(v.f, u.mark)""",
    )
    features = (Feature("f", kind), Feature("mark", "categorical"))
    mapping = Mapping("events", "e", "who", "at", "what", features)
    mine, theirs = both(con, mapping)
    assert as_read(mine, mapping) == as_read(theirs, mapping)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "1 AS who, '2024-01-01' AS at, 'a' AS what",
            '"at" has type VARCHAR, expected TIMESTAMP.*cast it to TIMESTAMP',
        ),
        ("1 AS who, 5 AS at, 'a' AS what", '"at" has type INTEGER, expected TIMESTAMP'),
        ("1 AS who, TIME '10:00' AS at, 'a' AS what", '"at" has type TIME'),
        ("1 AS who, DATE '2024-01-01' AS at, 1.5 AS what", '"what" has type DECIMAL.*cast it to VARCHAR'),
        ("1 AS who, DATE '2024-01-01' AS at, ['a'] AS what", r'"what" has type VARCHAR\[\]'),
    ],
)
def test_a_type_that_cannot_be_read_is_named_with_the_remedy(
    con: duckdb.DuckDBPyConnection, row: str, message: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=message):
        con.execute(f"SELECT {packed(PLAIN)} FROM (SELECT {row}) e").fetchall()


def test_a_column_of_bare_nulls_is_no_event(con: duckdb.DuckDBPyConnection) -> None:
    row = "FROM (SELECT 1 AS who, NULL AS at, NULL AS what) e"
    column = con.sql(f"SELECT {packed(PLAIN)} AS packed {row}").to_arrow_table()["packed"].combine_chunks()
    assert unpack(column, PLAIN).lengths.tolist() == [0]


def test_a_cap_leaves_later_events_out(con: duckdb.DuckDBPyConnection) -> None:
    table(con, "SELECT 1 AS who, make_timestamp(i) AS at, 'a' AS what FROM range(5) t(i)")
    mapping = Mapping("events", "e", "who", "at", "what", time_cap=2)
    mine, theirs = both(con, mapping)
    assert as_read(mine, mapping) == as_read(theirs, mapping)
    assert mine.times.tolist() == [0, 1, 2]


def test_two_users_in_one_group_raise_and_name_both(con: duckdb.DuckDBPyConnection) -> None:
    table(con, "SELECT i AS who, DATE '2024-01-01' AS at, 'a' AS what FROM range(1, 3) t(i)")
    texts = con.sql(f"SELECT {packed(PLAIN)} AS packed FROM e").to_arrow_table()["packed"].combine_chunks()
    with pytest.raises(EventsError, match="\"who\" = '1' and '2'.*GROUP BY \"who\""):
        unpack(texts, PLAIN)


def test_frames_read_their_own_rows(con: duckdb.DuckDBPyConnection) -> None:
    """OVER makes overlapping texts; slices of a column keep their places."""
    table(con, "SELECT 1 AS who, make_timestamp(i) AS at, 'a' || i AS what FROM range(6) t(i)")
    con.execute(f"CREATE OR REPLACE TEMP MACRO collected(e) AS {packed(PLAIN)}")
    query = 'SELECT collected(e) OVER (ORDER BY "at" ROWS 1 PRECEDING) AS packed FROM e ORDER BY "at"'
    column = con.sql(query).to_arrow_table()["packed"].combine_chunks()
    found = unpack(column.slice(2, 3), PLAIN)
    assert found.actions.to_pylist() == ["a1", "a2", "a2", "a3", "a3", "a4"]
    assert found.offsets.tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("macro", ["strlen(x) AS 1", "string_agg(x, y) AS any_value(x)", "typeof(x) AS 'DATE'"])
def test_macros_of_the_users_own_change_nothing(con: duckdb.DuckDBPyConnection, macro: str) -> None:
    con.execute(f"CREATE MACRO {macro}")
    table(con, "SELECT 1 AS who, make_timestamp(i) AS at, 'ab' AS what FROM range(2) t(i)")
    try:
        mine, theirs = both(con, PLAIN)
        assert as_read(mine, PLAIN) == as_read(theirs, PLAIN)
    finally:
        con.execute(f"DROP MACRO {macro.partition('(')[0]}")


@pytest.mark.parametrize("kind", ["TIMESTAMP", "DATE", "INTERVAL", "VARCHAR[]", "STRUCT(a INTEGER)", "BLOB"])
def test_a_feature_of_a_type_that_no_mapping_has_is_refused(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """A column may change its type after it was mapped."""
    row = f"SELECT 1 AS who, now() AS at, 'a' AS what, NULL::{kind} AS price, 1 AS brand"
    with pytest.raises(duckdb.InvalidInputException, match='"price" has type .*expected a number or a category'):
        con.execute(f"SELECT {packed(MAPPING)} FROM ({row}) e").fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "x", "1,1,1,a,1", "1,9,1,a,1;", "1,-1,1,a,1;", "1,x,1,a,1;", "1,1,1,a,1;1", "1,1,1,a,1;1,1,1,a,1", "0,000",
        "0,00", f"1,{'1' * 5_000},1,a,1;", "x,1,1,a,1;", "1,1,,a,1",
    ],
)  # fmt: skip
def test_what_is_no_packed_event_raises(text: str) -> None:
    column = pa.StructArray.from_arrays([pa.array([text.translate({44: 0x1F, 59: 0x1E})])], [field_of(PLAIN)])
    with pytest.raises(EventsError, match="not events as the row functions collect them"):
        unpack(column, PLAIN)


def test_a_length_that_cuts_a_character_in_two_is_refused() -> None:
    """What is cut by lengths is text only if the lengths are right."""
    text = "\x1f".join(("1", "3", "1", "a\x1fé", "1")) + "\x1e"
    column = pa.StructArray.from_arrays([pa.array([text])], [field_of(PLAIN)])
    with pytest.raises(EventsError, match="not events as the row functions collect them"):
        unpack(column, PLAIN)
