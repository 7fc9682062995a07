"""Names that look alike and hints of one dominant user, when mapping."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sqlscore
from sqlscore.mapping.alike import look

DISGUISES = [
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: unicodedata.normalize("NFC", name),
    str.upper,
    lambda name: f" {name}\u00a0",
    lambda name: f"{name}\u200b",
    lambda name: f"\ufeff{name}",
]


@given(st.sampled_from(["café", "add to cart", "naïve", "view"]), st.lists(st.sampled_from(DISGUISES), max_size=4))
def test_a_disguised_name_looks_the_same(name: str, disguises: list[Callable[[str], str]]) -> None:
    disguised = name
    for disguise in disguises:
        disguised = disguise(disguised)
    assert look(disguised) == look(name)


def test_different_names_do_not_look_the_same() -> None:
    assert len({look(name) for name in ("view", "views", "cafe", "café", "a b", "ab", "v1", "v2")}) == 8


@pytest.mark.parametrize("other", ["cafe\u0301", "Café", "café ", "ca\u200bfé"])
def test_actions_that_look_alike_are_said(con: duckdb.DuckDBPyConnection, other: str) -> None:
    con.execute("CREATE TABLE e (user_id INTEGER, event_time TIMESTAMP, event_type VARCHAR)")
    con.execute(
        "INSERT INTO e VALUES (1, TIMESTAMP '2024-01-01', 'café'), (2, TIMESTAMP '2024-01-01', ?), "
        "(3, TIMESTAMP '2024-01-01', 'pay')",
        [other],
    )
    (warning,) = sqlscore.map_events(con, "e").warnings
    assert "differ in case, spaces, invisible characters or Unicode form only" in warning
    assert "pay" not in warning


def test_one_user_with_a_large_share_is_said(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE e AS SELECT CASE WHEN i % 3 = 0 THEN 'undefined' ELSE 'u' || i % 50 END AS user_id,
           TIMESTAMP '2024-01-01' + to_minutes(i) AS event_time, 'view' AS event_type FROM range(3000) t(i)"""
    )
    (warning,) = sqlscore.map_events(con, "e").warnings
    assert "one user has 33.3% of all events" in warning
