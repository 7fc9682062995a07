"""The most likely actions, by whichever way is cheaper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sqlscore.errors import ModelError
from sqlscore.scoring.ranking import largest


@pytest.mark.parametrize(("k", "columns"), [(1, 9), (3, 9), (5, 9), (6, 9), (9, 9), (6, 96), (7, 96), (5, 48), (5, 49)])
@given(data=st.data())
def test_the_largest_come_first_and_ties_keep_their_order(k: int, columns: int, data: st.DataObject) -> None:
    """Of equally likely actions the more frequent one in training, whose column is the first."""
    values = data.draw(arrays(np.float32, (4, columns), elements=st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])))
    before = values.copy()
    best, index = largest(values, k)
    for row, found, at in zip(values.tolist(), best.tolist(), index.tolist(), strict=True):
        wanted = sorted(range(columns), key=lambda i: (-row[i], i))[:k]
        assert at == wanted
        assert found == [row[i] for i in wanted]
    assert (values == before).all()


@pytest.mark.parametrize("columns", [3, 60])
def test_what_is_no_probability_is_not_ranked(columns: int) -> None:
    with pytest.raises(ModelError, match="NaN.*train it again"):
        largest(np.full((2, columns), np.nan, np.float32), 2)
