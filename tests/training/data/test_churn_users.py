"""Where users are parted and not dates: nobody's answer is learned by what it judges."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.events.mapping import Mapping
from sqlscore.progress import Silent
from sqlscore.training.data.churn_labels import examples_of
from sqlscore.training.data.churn_users import Group, groups
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog, hashes_of, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Parts, Windows, parts_of
from sqlscore.training.fit import split
from sqlscore.training.options import TrainingOptions

DAY = 86_400.0


def visits(users: int) -> EventLog:
    """Users who come every few days for 100 days; two of three stop on some day."""
    with duckdb.connect() as con:
        con.execute(
            f"""CREATE TABLE visits AS SELECT 'user ' || u AS who, 'came' AS did,
                    TIMESTAMP '2024-01-01' + to_hours(24 * d + u % 24) AS at
                FROM range({users}) t(u), range(101) s(d)
                WHERE (d + u) % (3 + u % 4) = 0 AND (u % 3 = 0 OR d < 10 + u % 90)"""
        )
        return read_log(con, Mapping("events", "visits", "who", "at", "did"), 10**9, 10**9, Silent())


def parted(times: float) -> tuple[EventLog, Periods, Parts]:
    """A log, its periods and parts, with a horizon that fits so many times."""
    log = visits(300)
    periods, _ = split(log, TrainingOptions(horizon=100 * DAY / times, lookback=float("inf")))
    data = encode_log(log, vocabulary(log, periods.t2, 10, 10))
    return log, periods, parts_of(log, data, periods, 0, 1_024, spare_users=True)


def users_of(log: EventLog, part: Windows | None) -> set[int]:
    """Hashes of the ids of a part's churn examples."""
    assert part is not None
    assert part.churn is not None
    assert log.ids is not None
    return set(log.ids[log.rows[part.churn.position]].tolist())


@pytest.mark.parametrize("times", [1.3, 1.6, 2.0])
def test_no_user_that_judges_is_learned_from(times: float) -> None:
    """Neither is a churn label of theirs, nor anything that they did after the first date, by any weight."""
    log, periods, parts = parted(times)
    assert parts.churn is not None
    assert periods.churn is not None
    assert log.ids is not None
    test = examples_of(log, periods.churn, Group.TEST)
    tested = set(log.ids[log.rows[test.position]].tolist())
    train, validation = users_of(log, parts.churn.train), users_of(log, parts.churn.validation)
    assert min(len(train), len(validation), len(tested)) > 20
    assert not (train & validation | train & tested | validation & tested)
    assert users_of(log, parts.churn.both) == train | validation
    judged = groups(log)[log.rows] != Group.TRAIN
    data = encode_log(log, vocabulary(log, periods.t2, 10, 10))
    for part in (parts.train, parts.validation, parts.both):
        assert part.churn is None  # the encoder learns no churn label at all
        assert (data.target_time[part.wanted & judged] <= min(periods.churn.train)).all()
        assert data.target_time[part.wanted].max() <= periods.t2


def test_states_hold_every_example_and_nothing_later_than_its_date() -> None:
    """What the head reads of a user ends at as_of, though windows go on to the newest date."""
    log, periods, parts = parted(1.5)
    assert parts.churn is not None
    assert periods.churn is not None
    for part in (parts.churn.train, parts.churn.validation, parts.churn.both):
        assert part.churn is not None
        assert not part.wanted.any()
        at = part.churn.position
        assert (log.times[at] <= max(periods.churn.train)).all()
        window = np.searchsorted(part.starts, at, "right") - 1
        assert ((part.starts[window] <= at) & (at < part.ends[window])).all()


@settings(max_examples=50)
@given(ids=st.lists(st.one_of(st.integers(), st.text()), min_size=1, max_size=40, unique_by=str))
def test_a_user_belongs_to_a_group_whoever_else_is_there(ids: list[object]) -> None:
    """A model that is judged a year later, on a table with other users, must not meet one that it learned from."""
    of_all = hashes_of(ids)
    assert [int(hashes_of([user])[0]) for user in ids] == of_all.tolist()
    log = visits(3)
    whole = EventLog(log.actions, log.times, np.arange(len(ids) + 1), {}, {}, ids=of_all)
    for place, user in enumerate(ids):
        alone = EventLog(log.actions, log.times, np.array([0, 1]), {}, {}, ids=hashes_of([user]))
        assert groups(alone)[0] == groups(whole)[place]


def test_groups_have_their_shares() -> None:
    """Most users train."""
    shares = np.bincount(groups(visits(2_000)), minlength=3) / 2_000
    assert shares == pytest.approx([0.6, 0.15, 0.25], abs=0.03)
