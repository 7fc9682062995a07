"""Distinct values by flags are those by sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.training.data.distinct import distinct


@given(st.lists(st.integers(0, 30) | st.integers(0, 2**62), max_size=40))
def test_flags_find_what_sorting_finds(values: list[int]) -> None:
    """Close together, where there is a flag for each, and so far apart that they are sorted; none at all too."""
    given_values = np.array(values, np.int64)
    found, of_each = distinct(given_values)
    wanted, of_wanted = np.unique(given_values, return_inverse=True)
    assert found.tolist() == wanted.tolist()
    assert of_each.tolist() == of_wanted.tolist()
