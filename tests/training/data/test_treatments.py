"""Churn labels of users who were treated or held out: which are left out, and how often the others count."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.errors import TrainingError
from sqlscore.events.sequences import offsets_of
from sqlscore.training.data.churn_labels import examples_at, examples_of, weighting_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.event_log import Column, EventLog
from sqlscore.training.data.split import Churn
from sqlscore.training.data.treatments import MOST, Treatments, copies

DAY = 86_400_000_000
CHURN = Churn(10 * DAY, None, (20 * DAY,), (20 * DAY,), (20 * DAY,))


def log_of(users: list[list[int]]) -> EventLog:
    """A log of one action, from each user's days."""
    lengths = np.array([len(days) for days in users], np.int64)
    times = np.array([day for days in users for day in days], np.int64) * DAY
    return EventLog(Column(np.ones(len(times), np.int32), ["a"]), times, offsets_of(lengths), {}, {})


def assigned(*rows: tuple[int, float, float, bool, float, int]) -> Treatments:
    """Rows of user, day, days of the horizon, treated, probability of being held out, draw."""
    user, day, span, treated, held_out, draw = zip(*rows, strict=True)
    at, spans = (np.array(np.array(each) * DAY, np.int64) for each in (day, span))
    return Treatments(np.array(user), at, at + spans, np.array(treated), np.array(held_out, np.float64), np.array(draw))


def counts(users: list[list[int]], *rows: tuple[int, float, float, bool, float, int]) -> list[int]:
    """How often the label of each user on day 20 counts."""
    log = replace(log_of(users), treatments=assigned(*rows))
    found = examples_at(log, CHURN.train, CHURN)
    return [int(n) for n in np.bincount(log.rows[found.position], minlength=len(users))]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((22, 10, True, 0.2), 0),  # within the label
        ((22, 10, False, 0.2), 5),
        ((12, 10, True, 0.2), 0),  # before it, and may still have an effect
        ((12, 10, False, 0.2), 5),
        ((10, 10, True, 0.2), 1),  # over
        ((30, 10, True, 0.2), 1),  # after it
        ((27, 10, True, 0.2), 1),  # she came back on day 26 without it
        ((22, 10, False, 0.01), int(MOST)),
        ((22, 10, True, 0), 0),
        ((22, 10, False, 1), 1),
        ((22, 10, False, float("nan")), 0),  # nobody knows whom she stands for
    ],
)
def test_a_label_counts_for_those_who_might_have_been_treated(
    row: tuple[float, float, bool, float], expected: int
) -> None:
    """One over the probability of nothing being done, and none if something was."""
    assert counts([[1, 15, 26], [2]], (0, *row, 0)) == [expected, 1]


def test_assignments_by_one_hash_are_one_chance() -> None:
    """Whoever is held out again by the same seed and name was held out once; another seed is another chance."""
    twice = [(0, 15, 10, False, 0.5, 7), (0, 22, 10, False, 0.25, 7)]
    assert counts([[1]], *twice) == [4]
    assert counts([[1]], *twice, (0, 23, 10, False, 0.5, 8)) == [8]
    assert counts([[1]], *twice, (0, 23, 10, True, 0.5, 8)) == [0]


def test_the_notes_say_what_was_changed() -> None:
    """Each label once, in whichever way it counts."""
    rows = (
        (0, 22, 10, True, 0.2, 0), (1, 22, 10, True, 0, 1), (2, 22, 10, False, 0.2, 0), (3, 22, 10, False, 0.01, 2),
    )  # fmt: skip
    log = replace(log_of([[1]] * 6), treatments=assigned(*rows))
    assert weighting_of(log, CHURN) == {
        "from": "interventions", "most": MOST, "labels": 6, "left_out": 2, "of_them_without_chance": 1, "weighted": 2,
        "clipped": 1,
    }  # fmt: skip


@settings(max_examples=30)
@given(weight=st.floats(0, 20), date=st.integers(-(10**17), 10**17))
def test_copies_are_the_weight_on_average(weight: float, date: int) -> None:
    """And never further from it than one."""
    found = copies(np.full(4_000, weight), np.arange(4_000, dtype=np.uint32), date)
    assert set(found.tolist()) <= {int(weight), int(weight) + 1}
    assert abs(found.mean() - weight) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_weighted_labels_say_what_comes_without_treatment(seed: int) -> None:
    """Everybody who would leave is brought back if treated, at a share that depends on who it is."""
    rng = np.random.default_rng(seed)
    n = 3_000
    kind = rng.random(n) < 0.5
    leaves = rng.random(n) < np.where(kind, 0.8, 0.2)
    share = np.where(kind, 0.3, 0.8)  # those who are likely to leave are treated most
    treated = rng.random(n) >= share
    log = log_of([[1] if gone and not given else [1, 28] for gone, given in zip(leaves, treated, strict=True)])
    rows = [(user, 21.0, 10.0, bool(treated[user]), float(share[user]), user % 5) for user in range(n)]
    weighted = examples_of(replace(log, treatments=assigned(*rows)), CHURN, Group.TRAIN)
    assert examples_of(log, CHURN, Group.TRAIN).churned.mean() < 0.25
    assert weighted.churned.mean() == pytest.approx(leaves.mean(), abs=0.06)


def test_nobody_who_was_assigned_is_an_error() -> None:
    """Which says what to do."""
    import sqlscore

    with sqlscore.connect(":memory:") as con:
        _events(con)
        with pytest.raises(TrainingError, match="nobody was assigned to anything yet .* run sqlscore assign"):
            sqlscore.train(con, weight_from="interventions")
        with pytest.raises(TrainingError, match='weight_from="labels": labels are weighted from "interventions"'):
            sqlscore.train(con, weight_from="labels")


def _events(con: duckdb.DuckDBPyConnection) -> None:
    import sqlscore

    con.execute(
        """CREATE TABLE e AS SELECT i % 40 AS user_id, TIMESTAMP '2025-01-01' + to_hours(i) AS event_time,
               (['view', 'cart', 'buy'])[1 + i % 3] AS event_type FROM range(800) t(i)"""
    )
    sqlscore.map_events(con, "e")
