"""Row functions that are given no row: the error shows the right call, in every client of the engine."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from sqlscore.sql.public_functions import PUBLIC, Public

NO_ROWS = (
    "'view'", "['view', 'cart']", "[]", "NULL", "7", "0.5", "[1, 2]", "true", "uuid()", "now()", "DATE '2024-01-01'",
    "CAST('view' AS ENUM('view'))", "[CAST('view' AS ENUM('view'))]", '"select"', '"client id"', '"when"', "price",
    "MAP {'select': 'view'}", 'list("select")', 'list("select" ORDER BY "when")', "list(c)", 'max("select")',
)  # fmt: skip
"""Values, columns of the table, and aggregates, whose type the engine does not know when it looks for the function."""


def call(public: Public, argument: str) -> str:
    """The function with this in place of a row, and NULL for each parameter that has no default."""
    required = ["NULL" for _, default in public.parameters if default is None]
    return f"{public.name}({', '.join([argument, *required])})"


@pytest.mark.parametrize("argument", NO_ROWS)
def test_what_is_no_row_is_answered_with_the_right_call(shop: duckdb.DuckDBPyConnection, argument: str) -> None:
    for public, grouped in product(PUBLIC, ("", 'GROUP BY "client id"')):
        with pytest.raises(duckdb.InvalidInputException) as caught:
            shop.execute(f"SELECT {call(public, argument)} FROM clicks c {grouped}").fetchall()
        said = str(caught.value)
        assert f"{public.name} takes the alias of a table" in said
        assert f'SELECT "client id", {public.name}(e' in said
        assert 'FROM "clicks" e GROUP BY "client id"' in said
        assert f"{public.list_name}(" in said


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.name)
def test_the_call_that_is_shown_runs(shop: duckdb.DuckDBPyConnection, public: Public) -> None:
    """An answer that is wrong itself would be worse than none."""
    with pytest.raises(duckdb.InvalidInputException) as caught:
        shop.execute(f"SELECT {call(public, 'price')} FROM clicks").fetchall()
    rows, lists = str(caught.value).partition(": SELECT ")[2].split("; lists go to its twin, ")
    for required, value in (("action", "'buy'"), ("candidates", "['buy']"), ("seconds", "60")):
        rows, lists = (text.replace(f", {required})", f", {value})") for text in (rows, lists))
    of_labels = ("propensity", "expected_value", "value_quantiles", "uplift", "explain_label")
    if public.name in ("attend_events", *of_labels):
        return  # the tiny model attends to nothing, and nothing was fine-tuned on it
    assert len(shop.execute(f"SELECT {rows}").fetchall()) == 40
    assert len(shop.execute(f'SELECT {lists} FROM clicks e GROUP BY "client id"').fetchall()) == 40


@pytest.mark.parametrize("argument", ["['view']", '"select"'])
def test_a_window_is_answered_too(shop: duckdb.DuckDBPyConnection, argument: str) -> None:
    """The engine wants one aggregate in a macro over a window, also in one that only raises."""
    with pytest.raises(duckdb.InvalidInputException, match="takes the alias of a table"):
        shop.execute(f'SELECT predict_next_action({argument}) OVER (PARTITION BY "client id") FROM clicks').fetchall()


def test_it_is_answered_before_events_are_mapped(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=r"list_predict_next_action\(\['view', 'cart'\]\)"):
        con.execute("SELECT predict_next_action(['view'])")


def test_a_list_for_one_number_is_refused_with_the_parameter(shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=r"k has type .*\[\]: pass one value"):
        shop.execute('SELECT predict_next_actions(c, k := [1, 2]) FROM clicks c GROUP BY "client id"').fetchall()
