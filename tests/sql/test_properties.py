"""Views against brute force on random events: few users, few moments, so that ties and borders are frequent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations, groupby

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sqlscore

START = datetime(2024, 1, 1)
Event = tuple[str, datetime, str]

ACTIONS = ("view", "cart", "buy")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b", "ü")),
        st.integers(0, 12).map(lambda ten_minutes: START + timedelta(minutes=10 * ten_minutes)),
        st.sampled_from(ACTIONS),
    ),
    min_size=1,
    max_size=25,
)
DAYS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")), st.integers(0, 30).map(lambda d: START + timedelta(days=d)), st.just("view")
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def clicks() -> Iterator[duckdb.DuckDBPyConnection]:
    con = sqlscore.connect()
    con.execute("CREATE TABLE clicks (user_id VARCHAR, event_time TIMESTAMP, event_type VARCHAR)")
    con.execute("INSERT INTO clicks VALUES ('a', '2024-01-01', 'view')")
    sqlscore.map_events(con, "clicks")
    yield con
    con.close()


def refill(con: duckdb.DuckDBPyConnection, events: list[Event]) -> dict[str, list[Event]]:
    """Put these events in place of the old ones; the same by user, in sequence order."""
    con.execute("DELETE FROM clicks")
    con.executemany("INSERT INTO clicks VALUES (?, ?, ?)", events)
    return {user: list(own) for user, own in groupby(sorted(events), key=lambda event: event[0])}


@settings(max_examples=60)
@given(events=EVENTS, gap=st.integers(0, 5).map(lambda n: timedelta(minutes=10 * n)))
def test_sessions_are_cut_where_the_silence_is_longer_than_the_gap(
    clicks: duckdb.DuckDBPyConnection, events: list[Event], gap: timedelta
) -> None:
    """Any order of rows, any ties, exact duplicates included."""
    expected = []
    for user, own in refill(clicks, events).items():
        number, previous = 0, None
        sessions: dict[int, list[Event]] = {}
        for event in own:
            number += previous is None or event[1] - previous > gap
            previous = event[1]
            sessions.setdefault(number, []).append(event)
        expected += [(user, n, s[0][1], s[-1][1], len(s), s[0][2], s[-1][2]) for n, s in sessions.items()]
    found = clicks.execute(
        """SELECT user_id, session_id, session_start, session_end, n_events, first_action, last_action
        FROM sqlscore.sessions_with(gap := $gap)""",
        {"gap": gap},
    ).fetchall()
    assert sorted(found) == sorted(expected)


@settings(max_examples=60)
@given(
    events=EVENTS,
    steps=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
    within=st.integers(0, 6).map(lambda n: timedelta(minutes=10 * n)),
)
def test_a_funnel_counts_users_with_any_run_that_fits(
    clicks: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta
) -> None:
    """The dynamic program finds a run wherever trying all combinations of events does."""
    reached = [0] * len(steps)
    for own in refill(clicks, events).values():
        ordered = sorted((e for e in own if e[2] in steps), key=lambda e: (e[1], steps.index(e[2])))
        for size in range(1, len(steps) + 1):
            reached[size - 1] += any(
                [e[2] for e in run] == steps[:size] and run[-1][1] - run[0][1] <= within
                for run in combinations(ordered, size)
            )
    found = clicks.execute(
        "SELECT n_users FROM sqlscore.funnel($steps, within := $within) ORDER BY step",
        {"steps": steps, "within": within},
    ).fetchall()
    assert [row[0] for row in found] == reached


@settings(max_examples=60)
@given(events=DAYS, dormant_after=st.integers(1, 4))
def test_every_user_is_in_one_state_of_life_in_every_period(
    clicks: duckdb.DuckDBPyConnection, events: list[Event], dormant_after: int
) -> None:
    """Counting changes of state gives what looking at every user on every day gives."""
    users = refill(clicks, events)
    first, last = min(e[1] for e in events), max(e[1] for e in events)
    expected: dict[tuple[datetime, str], int] = {}
    for own in users.values():
        seen = {event[1] for event in own}
        for number in range((last - min(seen)).days + 1):
            day = min(seen) + timedelta(days=number)
            missed = next(i for i in range(number + 1) if day - timedelta(days=i) in seen)
            before = next((i for i in range(1, number + 1) if day - timedelta(days=i) in seen), None)
            if missed:
                state = "at risk" if missed < dormant_after else "dormant"
            elif before is None:
                state = "new"
            else:
                state = "resurrected" if before > dormant_after else "active"
            expected[day, state] = expected.get((day, state), 0) + 1
    found = clicks.execute(
        "SELECT period_start, state, n_users FROM sqlscore.lifecycle_with(period := 'day', dormant_after := $n)",
        {"n": dormant_after},
    ).fetchall()
    assert {(day, state): n for day, state, n in found if n} == expected
    assert len(found) == 5 * ((last - first).days + 1)


@settings(max_examples=60)
@given(events=DAYS, days=st.tuples(st.integers(-2, 32), st.integers(1, 10), st.integers(1, 10)))
def test_inactivity_is_silence_after_a_sign_of_life(
    clicks: duckdb.DuckDBPyConnection, events: list[Event], days: tuple[int, int, int]
) -> None:
    """Seen in (as_of - lookback, as_of], silent in (as_of, as_of + horizon], and no label past the high-water mark."""
    as_of, horizon, lookback = START + timedelta(days=days[0]), timedelta(days=days[1]), timedelta(days=days[2])
    censored = as_of + horizon > max(e[1] for e in events)
    expected = []
    for user, own in refill(clicks, events).items():
        times = [event[1] for event in own]
        if any(as_of - lookback < t <= as_of for t in times):
            silent = not any(as_of < t <= as_of + horizon for t in times)
            expected.append((user, None if censored else silent, censored))
    found = clicks.execute(
        """SELECT user_id, churned, censored FROM sqlscore.churn_labels_inactivity(
            as_of := $as_of::TIMESTAMP, horizon := $horizon, lookback := $lookback)""",
        {"as_of": as_of, "horizon": horizon, "lookback": lookback},
    ).fetchall()
    assert sorted(found) == sorted(expected)
