"""The most likely actions, by whichever way is cheaper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sqlscore.udfs.next_action import largest


@pytest.mark.parametrize("k", [1, 3, 5, 6, 9])
@given(values=arrays(np.float32, (4, 9), elements=st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])))
def test_the_largest_come_first_and_ties_keep_their_order(values: np.ndarray, k: int) -> None:
    """Of equally likely actions the more frequent one in training, whose column is the first."""
    before = values.copy()
    best, index = largest(values, k)
    for row, found, at in zip(values.tolist(), best.tolist(), index.tolist(), strict=True):
        wanted = sorted(range(9), key=lambda i: (-row[i], i))[:k]
        assert at == wanted
        assert found == [row[i] for i in wanted]
    assert (values == before).all()
