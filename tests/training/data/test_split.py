"""Splits and churn labels: nothing of the future reaches what a model learns from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.errors import TrainingError
from sqlscore.events.sequences import offsets_of
from sqlscore.training.data.churn_labels import censored_at_end, choose_churn, examples_at
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import Column, EventLog
from sqlscore.training.data.split import Churn, Periods, longest_horizon, with_churn, without_churn
from sqlscore.training.data.windows import parts_of, training_windows

DAY = 86_400_000_000


def made(users: list[list[int]]) -> EventLog:
    """A log of one action, from each user's times in days."""
    lengths = np.array([len(times) for times in users], np.int64)
    times = np.array([time for of_user in users for time in sorted(of_user)], np.int64) * DAY
    return EventLog(Column(np.ones(len(times), np.int32), ["a"]), times, offsets_of(lengths), {}, {})


logs = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=12), min_size=1, max_size=12).map(made)


@settings(max_examples=100)
@given(log=logs, date=st.integers(0, 60), horizon=st.integers(1, 30), lookback=st.integers(1, 40))
def test_churn_labels_equal_the_definition(log: EventLog, date: int, horizon: int, lookback: int) -> None:
    """Seen in (as_of - lookback, as_of], churned with no event in (as_of, as_of + horizon]: checked user by user."""
    found = examples_at(log, (date * DAY,), Churn(horizon * DAY, lookback * DAY, (), (), ()))
    expected = []
    for start, end in zip(log.offsets, log.offsets[1:], strict=False):
        times = log.times[start:end] // DAY
        if not ((times > date - lookback) & (times <= date)).any():
            continue
        last = int(start + (times <= date).sum() - 1)
        gone = not ((times > date) & (times <= date + horizon)).any()
        expected.append((last, (date - times[times <= date].max()) * 86_400.0, gone, int((times <= date).sum())))
    assert list(zip(found.position, found.elapsed, found.churned, found.seen, strict=True)) == expected


@settings(max_examples=100)
@given(times=st.lists(st.integers(0, 400), min_size=20, max_size=200), horizon=st.integers(1, 150))
def test_no_label_reaches_into_a_later_part(times: list[int], horizon: int) -> None:
    """Training labels end before validation begins, validation's before test, test's before the high-water mark."""
    array = np.array(times, np.int64) * DAY
    periods = with_churn(array, horizon * DAY, None)
    if periods is None:
        return
    churn = periods.churn
    assert churn is not None
    if churn.by_users:
        assert churn.train == churn.validation == churn.test
        assert max(churn.test) == periods.high_water - churn.horizon
        assert min(churn.test) >= max(periods.first, max(churn.test) - churn.horizon // 2)
        return
    assert periods.t1 <= periods.t2 <= periods.high_water - churn.horizon
    assert all(date + churn.horizon <= periods.t1 for date in churn.train)
    assert all(date + churn.horizon <= periods.t2 for date in churn.validation)
    assert all(periods.t2 <= date <= periods.high_water - churn.horizon for date in churn.test)
    assert periods.by_users or all(date >= periods.t1 for date in churn.validation)


def test_boundaries_without_churn_are_the_70_and_85_percent_quantiles() -> None:
    """As documented, where the times allow it."""
    periods = without_churn(np.arange(1, 101, dtype=np.int64))
    assert (periods.t1, periods.t2, periods.by_users) == (70, 85, False)


def test_boundaries_move_off_ties_so_that_every_part_has_events() -> None:
    """With day-granular times a quantile can fall on the last day, which would leave nothing to test on."""
    periods = without_churn(np.array([1] * 10 + [2] * 10 + [3] * 80, np.int64))
    assert (periods.t1, periods.t2) == (1, 2)


def test_two_distinct_times_validate_on_held_out_users() -> None:
    """There is no room for a validation period, and users are the next best."""
    assert without_churn(np.array([1, 1, 2], np.int64)).by_users


def test_events_of_one_instant_cannot_be_split() -> None:
    """The error says which column to map."""
    with pytest.raises(TrainingError, match="event_time"):
        without_churn(np.full(50, 7, np.int64))


def test_little_room_for_the_horizon_holds_users_out() -> None:
    """Horizon and span as in a third of a year's data: two horizons and some history fit, not three."""
    periods = with_churn(np.arange(0, 373, dtype=np.int64) * DAY, 124 * DAY, None)
    assert periods is not None
    assert periods.by_users
    assert periods.churn is not None
    assert max(periods.churn.train) == periods.t2 - 124 * DAY
    assert periods.churn.tested_on == "a later period"


@pytest.mark.parametrize("times", [1.26, 1.5, 2.0])
def test_a_horizon_that_hardly_fits_is_tested_on_other_users(times: float) -> None:
    """The dates are the newest that have labels, and the next action is cut in time as without churn."""
    moments = np.arange(0, 401, dtype=np.int64) * DAY
    horizon = int(400 * DAY / times)
    periods = with_churn(moments, horizon, None)
    assert periods is not None
    assert periods.churn is not None
    assert periods.churn.by_users
    assert max(periods.churn.train) == 400 * DAY - horizon
    assert min(periods.churn.train) >= 400 * DAY - 3 * horizon // 2
    assert (periods.t1, periods.t2) == (without_churn(moments).t1, without_churn(moments).t2)
    assert periods.churn.tested_on == "other users on the same dates, not on a later period"


def test_the_longest_horizon_fits_and_one_much_longer_does_not() -> None:
    """The error offers it as what would fit."""
    times = np.arange(0, 1000, dtype=np.int64) * DAY
    longest = longest_horizon(times)
    assert with_churn(times, longest, None) is not None
    assert with_churn(times, int(longest * 1.1), None) is None


def test_a_horizon_that_does_not_fit_is_an_error_that_says_what_would() -> None:
    """A user who asks for it should not get another one silently: here 0.9 of it are there."""
    log = made([list(range(i % 7, 100, 3 + i % 5)) for i in range(200)])
    with pytest.raises(TrainingError, match=r"span 99.0 days; a horizon of at most 7\d\.\d days fits"):
        choose_churn(log, without_churn(log.times), 110 * 86_400.0, None)


def test_a_horizon_with_labels_of_one_kind_is_trained_if_it_was_asked_for() -> None:
    """Nobody came back in the past: the base rate is what there is to say, and no horizon would be chosen for it."""
    log = made([[i % 50] for i in range(300)] + [[0, 99]])
    periods, reason = choose_churn(log, without_churn(log.times), 60 * 86_400.0, math.inf)
    assert periods is not None
    assert not reason
    assert choose_churn(log, without_churn(log.times), None, None)[0] is None


def test_a_horizon_without_labelled_users_is_refused() -> None:
    """Four users say nothing of anybody."""
    log = made([[i, 90 + i] for i in range(4)] + [[99]] * 200)
    with pytest.raises(TrainingError, match="only 0 users can be labelled in the training period, and at least 20"):
        choose_churn(log, without_churn(log.times), 30 * 86_400.0, 1.0)


def test_users_who_never_return_give_no_churn_head_and_a_reason() -> None:
    """A log of one visit each holds no churn."""
    log = made([[i % 90] for i in range(500)])
    periods, reason = choose_churn(log, without_churn(log.times), None, None)
    assert periods is None
    assert "come back" in reason


def test_users_at_the_high_water_mark_are_censored() -> None:
    """Their horizon lies in the future, so there is no label: they are counted, not guessed."""
    log = made([[0, 99], [0, 50], [100], [1]])
    assert censored_at_end(log, Churn(10 * DAY, 20 * DAY, (), (), ()), 100 * DAY) == 2


@pytest.mark.parametrize("by_users", [True, False])
def test_windows_hold_nothing_later_than_their_part(by_users: bool) -> None:
    """What is read and what is predicted both end with the part."""
    log = made([sorted(np.random.default_rng(i).integers(0, 100, 30).tolist()) for i in range(40)])
    t1, t2 = 60 * DAY, 60 * DAY if by_users else 80 * DAY
    dates = (30 * DAY, 50 * DAY)
    churn = Churn(10 * DAY, None, dates, dates if by_users else (70 * DAY,), (85 * DAY,))
    periods = Periods(t1, t2, 0, 100 * DAY, by_users, churn)
    data = encode_log(log, vocabulary(log, t1, 10, 10))
    train, validation = training_windows(log, data, periods, 0, 12)
    for part, end in ((train, t1), (validation, t2)):
        for start, stop in zip(part.starts, part.ends, strict=True):
            assert 0 < stop - start <= 12
            assert log.times[stop - 1] <= end
        assert part.targets > 0
        assert data.target_time[part.wanted].max() <= end
        assert part.churn is None
    parts = parts_of(log, data, periods, 0, 12, spare_users=False)
    assert parts.churn is not None
    for part, end in ((parts.churn.train, t1), (parts.churn.validation, t2)):
        assert part.churn is not None
        assert log.times[part.churn.position].max() <= end - churn.horizon
    both = train.wanted & validation.wanted
    assert not both.any()
    if not by_users:
        assert data.target_time[validation.wanted].min() > t1


def test_periods_survive_the_manifest() -> None:
    """Evaluation takes the boundaries from there, so that it judges the same test part."""
    import json

    periods = Periods(1, 2, 0, 9, False, Churn(3, None, (1, 2), (3,), (4, 5)))
    assert Periods.from_notes(json.loads(json.dumps(periods.to_notes()))) == periods


def test_vocabulary_is_taken_from_the_training_part_by_frequency() -> None:
    """An action that appears later is new to the model, as it will be in use."""
    log = made([[1, 2, 3, 4, 5, 90]])
    actions = Column(np.array([2, 1, 2, 3, 1, 4], np.int32), ["x", "b", "a", "late"])
    log = EventLog(actions, log.times, log.offsets, {}, {})
    assert vocabulary(log, 50 * DAY, 10, 10).actions == ("b", "x", "a")
    assert vocabulary(log, 50 * DAY, 2, 10).actions == ("b", "x")
    data = encode_log(log, vocabulary(log, 50 * DAY, 2, 10))
    assert data.categories[:, 0].tolist() == [1, 2, 1, 3, 2, 4]
    assert data.novel == ["a", "late"]
    assert data.target.tolist() == [2, 1, 3, 2, 4, 0]
