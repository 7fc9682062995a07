"""Spans of time that are written out last as long as DuckDB says they do."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_cases import catalog, linted, tables
from sqlglot import exp

from sqlscore.dialects.reading import read
from sqlscore.linting.reading.moments import span_of, text_span

UNITS = st.sampled_from(["second", "seconds", "minute", "hours", "day", "DAYS", "week"])
NUMBERS = st.builds("{}{}".format, st.integers(0, 99), st.sampled_from(["", ".5", ".25"]))
CLOCKS = st.builds("{:02}:{:02}:{:02}".format, st.integers(0, 40), st.integers(0, 59), st.integers(0, 59))
PAIRS = st.lists(st.builds("{} {}".format, NUMBERS, UNITS), min_size=1, max_size=2).map(" ".join)
TEXTS = st.one_of(
    PAIRS, PAIRS.map("{} ago".format), CLOCKS, CLOCKS.map("-{}".format), st.builds("{} {}".format, PAIRS, CLOCKS),
    st.builds("{} {} ago".format, PAIRS, CLOCKS), st.builds("{} {}".format, CLOCKS, PAIRS),
)  # fmt: skip
WRITTEN = st.one_of(
    TEXTS.map("INTERVAL '{}'".format), TEXTS.map("CAST('{}' AS INTERVAL)".format),
    st.builds("INTERVAL {} {}".format, NUMBERS, UNITS), st.builds("INTERVAL '{}' {}".format, NUMBERS, UNITS),
)  # fmt: skip


@settings(max_examples=150)
@given(WRITTEN)
def test_a_span_lasts_as_long_as_in_duckdb(sql: str):
    ((lasts,),) = duckdb.sql(f"SELECT epoch({sql})").fetchall()
    (query,) = read(f"SELECT {sql} AS span")
    (node,) = (one.unalias() for one in query.expressions)
    seconds = text_span(node.this.name) if isinstance(node, exp.Cast) else span_of(node, None)
    assert seconds == pytest.approx(lasts)
    assert duckdb.sql(f"SELECT epoch(span) FROM ({query.sql('duckdb')})").fetchall() == [(lasts,)]


@pytest.mark.parametrize(
    ("bound", "leaks"),
    [("INTERVAL 0.5 DAY", True), ("INTERVAL '0.5 days'", False), ("INTERVAL '0.5 days ago'", True),
     ("INTERVAL '0 days 12:00:00'", False)],
)  # fmt: skip
def test_events_before_a_span_that_is_none_are_not_before_the_row(bound: str, leaks: bool):
    """A bound of less than a day is cut to none, and one that is ago looks ahead."""
    query = f"""SELECT e.user_id, e.event_time, sum(o.price) AS spent FROM events e JOIN events o
        ON o.user_id = e.user_id AND o.event_time < e.event_time - {bound} + INTERVAL 6 HOUR GROUP BY ALL"""
    with tables() as con:
        assert bool(linted(catalog(con), query).findings) == leaks
