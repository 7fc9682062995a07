"""Limits hold whatever comes, and within them hardly anything better can be had."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.decisions.choice import NOTHING, Limits, choose

VALUES = st.one_of(st.just(float("nan")), st.floats(-1, 5).map(lambda x: round(x, 2)))


@st.composite
def problems(draw: st.DrawFn, with_audience: bool = True):
    users, plays = draw(st.integers(0, 5)), draw(st.integers(1, 3))
    worth = np.array([[draw(VALUES) for _ in range(plays)] for _ in range(users)]).reshape(users, plays)
    costs = np.array([draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])) for _ in range(plays)])
    audience = [draw(st.one_of(st.none(), st.integers(0, 3))) if with_audience else None for _ in range(plays)]
    budget = draw(st.one_of(st.none(), st.floats(0, 8).map(lambda x: round(x, 1))))
    return worth, costs, Limits(budget, draw(st.one_of(st.none(), st.integers(0, 4))), audience)


def total(worth, chosen) -> float:
    return float(sum(worth[user, play] for user, play in enumerate(chosen) if play != NOTHING))


def fits(worth, costs, limits: Limits, chosen) -> bool:
    taken = [(user, play) for user, play in enumerate(chosen) if play != NOTHING]
    return (
        all(worth[user, play] > 0 for user, play in taken)
        and (limits.budget is None or sum(costs[play] for _, play in taken) <= limits.budget + 1e-9)
        and (limits.contacts is None or len(taken) <= limits.contacts)
        and all(limit is None or sum(p == n for _, p in taken) <= limit for n, limit in enumerate(limits.audience))
    )


@settings(max_examples=300)
@given(problems())
def test_no_limit_is_ever_exceeded(problem) -> None:
    worth, costs, limits = problem
    chosen = choose(worth, costs, limits)
    assert fits(worth, costs, limits, chosen)
    assert (chosen == choose(worth, costs, limits)).all()


@settings(max_examples=150)
@given(problems(with_audience=False))
def test_what_is_lost_is_at_most_what_two_users_are_worth(problem) -> None:
    """A price of money leaves a gap of one user a limit at most: here against all that could be chosen."""
    worth, costs, limits = problem
    ways = product(range(-1, worth.shape[1]), repeat=len(worth))
    best = max(total(worth, way) for way in ways if fits(worth, costs, limits, way))
    largest = max([0.0, *(value for value in worth.flat if value > 0)])
    assert total(worth, choose(worth, costs, limits)) >= best - 2 * largest - 1e-9
    if limits.budget is None:
        assert total(worth, choose(worth, costs, limits)) >= best - 1e-9


def test_two_cheap_ones_win_over_a_dear_one() -> None:
    """Worth 4 for 3, or 3 for 1 each: a budget of 3 buys three of the latter."""
    worth = np.array([[4.0, 3.0]] * 3)
    chosen = choose(worth, np.array([3.0, 1.0]), Limits(3.0, None, [None, None]))
    assert chosen.tolist() == [1, 1, 1]
