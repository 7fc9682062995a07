"""What messages quote of long texts."""

from __future__ import annotations

import duckdb
import pytest

from sqlscore.excerpts import engine_message, excerpt


def test_an_excerpt_is_one_line_that_begins_and_ends_as_the_text() -> None:
    assert excerpt("a  b\n c") == "a b c"
    cut = excerpt("begin " + "x" * 1_000 + " end", most=20)
    assert len(cut) == 20
    assert cut.startswith("begin ")
    assert cut.endswith(" end")


def test_errors_of_functions_of_ours_stay_whole() -> None:
    long = "the column price is missing; " * 40

    def fails(_: int) -> int:
        raise ValueError(long)

    with duckdb.connect() as con:
        con.create_function("fails", fails)
        with pytest.raises(duckdb.Error) as raised:
            con.execute("SELECT fails(1)").fetchall()
        assert long.strip() in engine_message(raised.value)
        con.remove_function("fails")
