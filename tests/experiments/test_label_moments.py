"""Which labels are known at a moment, and which judge what was learned from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import TrainingError
from sqlscore.experiments.label_moments import cuts_of, usable
from sqlscore.finetuning.labels import Labels

DAY = 86_400_000_000


def labels_at(days: list[float], window: float = 7.0) -> Labels:
    """A label a user, half of them true, in order of time."""
    as_of = np.sort((np.array(days) * DAY).astype(np.int64))
    wanted = np.arange(len(as_of)) % 2
    known_at = as_of + int(window * DAY)
    return Labels("yes_no", ("false", "true"), wanted.astype(np.float64), as_of, known_at, np.arange(len(as_of)))


@given(
    st.lists(st.floats(0, 200), min_size=2, max_size=60, unique=True),
    st.one_of(st.none(), st.floats(0.5 * 86_400, 90 * 86_400)),
    st.one_of(st.none(), st.integers(0, 100)),
)
def test_each_label_is_judged_once_by_what_was_known_before_it(
    days: list[float], every: float | None, start: int | None
) -> None:
    labels = labels_at(days)
    if labels.as_of[0] == labels.as_of[-1]:
        return
    assert labels.known_at is not None
    begin = None if start is None else start * DAY
    cuts = cuts_of(labels, labels.known_at, every, begin)
    judged = np.concatenate([np.zeros(0, np.int64), *(cut.judged for cut in cuts)])
    assert len(np.unique(judged)) == len(judged)
    if every is not None or begin is None:
        assert set(judged) == set(np.flatnonzero(labels.as_of >= (labels.as_of[0] if begin is None else begin)))
    for cut in cuts:
        assert (labels.known_at[cut.learned] <= cut.at).all()
        assert (labels.as_of[cut.judged] >= cut.at).all()
        assert set(cut.learned) == set(np.flatnonzero(labels.known_at <= cut.at))


def test_moments_are_those_of_the_labels_unless_these_are_many() -> None:
    few = labels_at([day for day in (0, 14, 28) for _ in range(30)])
    assert few.known_at is not None
    assert [cut.at // DAY for cut in cuts_of(few, few.known_at, None)] == [0, 14, 28]
    assert [cut.at // DAY for cut in usable(few, cuts_of(few, few.known_at, None))] == [14, 28]
    many = labels_at([day / 7 for day in range(700)])
    assert many.known_at is not None
    assert [cut.at // DAY for cut in cuts_of(many, many.known_at, None)] == list(range(0, 100, 9))


def test_labels_of_one_moment_or_too_many_moments_are_refused() -> None:
    labels = labels_at([3.0] * 50)
    assert labels.known_at is not None
    with pytest.raises(TrainingError, match="all as of 1970-01-04"):
        cuts_of(labels, labels.known_at, None)
    wide = labels_at([0.0, 400.0])
    assert wide.known_at is not None
    with pytest.raises(TrainingError, match="9,601 moments"):
        cuts_of(wide, wide.known_at, 3_600.0)
