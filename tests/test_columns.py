"""Columns between numpy and Arrow hold what pyarrow's own ways would make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpies

from sqlscore.columns import column_of, is_valid, numbers_of, repeated, rows_where, texts_of

DTYPES = ("bool", "int8", "uint16", "int32", "int64", "uint64", "float32", "float64")
values = st.sampled_from(DTYPES).flatmap(lambda kind: numpies.arrays(kind, st.integers(0, 40)))


@given(values, st.data())
def test_numbers_come_back_as_they_went(numbers: np.ndarray[Any, Any], data: st.DataObject) -> None:
    """With and without NULLs, whole and cut; and the column is the one that `pa.array` makes."""
    missing = data.draw(numpies.arrays("bool", len(numbers)))
    low = data.draw(st.integers(0, len(numbers)))
    for column, wanted in ((column_of(numbers), pa.array(numbers)), (column_of(numbers, missing), None)):
        column.validate(full=True)
        if wanted is None:
            wanted = pa.array(numbers, mask=missing)
        assert column.type == wanted.type
        assert (column.null_count, column[low:].null_count) == (wanted.null_count, wanted[low:].null_count)
        for part, same in ((column, wanted), (column[low:], wanted[low:]), (column[:low], wanted[:low])):
            expected = same.fill_null(pa.scalar(1).cast(same.type)).to_numpy(zero_copy_only=False)
            found = numbers_of(part, null=1)
            assert found.dtype == numbers.dtype
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(is_valid(part), same.is_valid().to_numpy(zero_copy_only=False))


@given(numpies.arrays("bool", st.integers(0, 40)), st.data())
def test_rows_where_leaves_out_false_and_null(truth: np.ndarray[Any, Any], data: st.DataObject) -> None:
    """As WHERE does."""
    missing = data.draw(numpies.arrays("bool", len(truth)))
    assert rows_where(column_of(truth, missing)).tolist() == np.flatnonzero(truth & ~missing).tolist()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_are_those_that_arrow_makes(texts: list[str]) -> None:
    """In any script, empty ones included."""
    assert texts_of(texts).equals(pa.array(texts, pa.string()))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_one_text_for_all(size: int) -> None:
    """A column that is the same everywhere."""
    assert repeated("gru@1", size).equals(pa.array(["gru@1"] * size, pa.string()))
