"""What a test counts as ranked first, or among the first three, is what scoring shows there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sqlscore.scoring.ranking import largest
from sqlscore.training.evaluation.predicted import ranked


@given(data=st.data(), columns=st.sampled_from([1, 2, 3, 5, 60]))
def test_the_first_three_are_those_that_scoring_shows(data: st.DataObject, columns: int) -> None:
    """Ties are broken by the order of the actions: a model that says the same of all would else be right each time."""
    cells = st.sampled_from([0.0, 0.125, 0.25, 0.5])
    probabilities = data.draw(arrays(np.float32, (6, columns), elements=cells))
    wanted = data.draw(arrays(np.int64, 6, elements=st.integers(0, columns)))
    best, in_top3, probability, confidence = ranked(probabilities, wanted, probabilities.argmax(1))
    values, shown = largest(probabilities, min(3, columns))
    assert (best == shown[:, 0] + 1).all()
    assert (confidence == values[:, 0]).all()
    assert in_top3.tolist() == [action in row for action, row in zip(wanted, shown, strict=True)]
    stated = [row[action] if action < columns else 0 for action, row in zip(wanted, probabilities, strict=True)]
    assert probability.tolist() == stated
