"""Names and literals of any characters come back from the engine as they went in."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.quoting import identifier, literal, qualified, unquoted

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(text)
def test_an_identifier_names_what_it_says(name: str) -> None:
    assert duckdb.sql(f"SELECT 1 AS {identifier(name)}").columns == [name]


@given(text)
def test_a_literal_is_its_text(value: str) -> None:
    assert duckdb.sql(f"SELECT {literal(value)}").fetchall() == [(value,)]


def test_parts_are_quoted_apart() -> None:
    assert qualified('my "db"', "a.b") == '"my ""db""" . "a.b"'.replace(" . ", ".")


@given(text, text.filter(lambda name: '"' not in name and "." not in name))
def test_each_part_may_be_quoted_or_not(odd: str, plain: str) -> None:
    assert unquoted(qualified(odd)) == odd
    assert unquoted(f"{plain}.{identifier(odd)}.{plain}") == f"{plain}.{odd}.{plain}"
    assert unquoted(plain) == plain
