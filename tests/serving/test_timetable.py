"""When runs are due: pure arithmetic, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import SqlscoreError
from sqlscore.serving.timetable import Timetable, first_run, next_run, timetable

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))
lengths = st.integers(1, 86_400).map(lambda seconds: timedelta(seconds=seconds))
days = st.integers(1, 40).map(lambda number: timedelta(days=number))
tables = st.builds(
    Timetable,
    st.one_of(lengths, days),
    st.one_of(st.none(), st.times().map(lambda at: at.replace(second=0, microsecond=0))),
    st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
)


@given(tables, moments, st.integers(-86_400 * 3, 86_400 * 3))
def test_the_next_run_is_later_than_now_and_than_the_one_before(table: Timetable, previous: datetime, late: int):
    """Slots that were missed are made up for by one run: none of them is handed out again."""
    now = previous + timedelta(seconds=late)
    following = next_run(table, previous, now)
    assert following > max(previous, now)
    assert following <= max(previous, now) + table.every + timedelta(days=1, hours=2)


@given(st.one_of(lengths, days), moments, st.integers(0, 86_400 * 3))
def test_without_a_time_of_day_runs_keep_their_distance(every: timedelta, previous: datetime, late: int):
    """A late run does not move the ones after it."""
    following = next_run(Timetable(every), previous, previous + timedelta(seconds=late))
    assert (following - previous) % every == timedelta()


@given(moments)
def test_a_daily_run_keeps_its_time_of_day_when_the_clocks_change(moment: datetime):
    """03:30 is shown by the clocks of Berlin on every day of the year."""
    table = Timetable(timedelta(days=1), time(3, 30), BERLIN)
    first = next_run(table, moment, moment)
    second = next_run(table, first, first)
    assert [run.astimezone(BERLIN).strftime("%H:%M") for run in (first, second)] == ["03:30", "03:30"]
    assert (second.astimezone(BERLIN).date() - first.astimezone(BERLIN).date()) == timedelta(days=1)


def test_a_time_of_day_that_the_clocks_leave_out_is_not_a_night_left_out():
    """On 30 March 2025 there is no 02:30 in Berlin."""
    table = timetable(None, "02:30", "Europe/Berlin")
    before = datetime(2025, 3, 29, 12, tzinfo=UTC)
    runs = [next_run(table, before, before)]
    for _ in range(2):
        runs.append(next_run(table, runs[-1], runs[-1]))
    assert [run.isoformat(" ", "minutes") for run in runs] == [
        "2025-03-30 01:30+00:00",
        "2025-03-31 00:30+00:00",
        "2025-04-01 00:30+00:00",
    ]


def test_slots_within_a_day_begin_at_the_time_of_day():
    """Every 6 hours from two o'clock: two, eight, fourteen, twenty."""
    table = timetable("6h", "02:00", "UTC")
    moment, found = datetime(2025, 5, 1, tzinfo=UTC), []
    for _ in range(5):
        moment = next_run(table, moment, moment)
        found.append(moment.strftime("%d %H:%M"))
    assert found == ["01 02:00", "01 08:00", "01 14:00", "01 20:00", "02 02:00"]


@pytest.mark.parametrize(
    ("last_success", "expected"),
    [
        (None, "2025-05-03 12:00"),  # nothing has run yet
        ("2025-05-03 02:01", "2025-05-04 02:00"),  # last night's is done
        ("2025-05-02 02:01", "2025-05-03 12:00"),  # last night's was missed
        ("2025-05-03 11:00", "2025-05-04 02:00"),  # it was made up for
    ],
)
def test_a_server_that_starts_makes_up_for_a_missed_slot(last_success: str | None, expected: str):
    """A machine that was off at night has its scores after it is started."""
    table, now = timetable(None, "02:00", "UTC"), datetime(2025, 5, 3, 12, tzinfo=UTC)
    last = None if last_success is None else datetime.fromisoformat(last_success).replace(tzinfo=UTC)
    assert first_run(table, last, now).isoformat(" ", "minutes") == f"{expected}+00:00"


def test_without_a_time_of_day_a_server_runs_at_once():
    """Whoever starts it wants to see that it works."""
    now = datetime(2025, 5, 3, 12, tzinfo=UTC)
    assert first_run(timetable("1h", None), now - timedelta(minutes=1), now) == now


@pytest.mark.parametrize(
    ("every", "at", "zone", "said"),
    [
        (None, None, None, "--every 1h, or --at 02:00"),
        ("often", None, None, "'often' is not a length of time"),
        ("0.1s", None, None, "shortest interval"),
        ("36h", "02:00", None, "whole days"),
        (None, "2am", None, "write it as 02:00"),
        (None, "25:00", None, "write it as 02:00"),
        (None, "02:00", "Europe/Bielefeld", "no time zone"),
        (None, "02:00", "../etc", "no time zone"),
    ],
)
def test_a_schedule_that_cannot_be_says_how_to_write_one(
    every: str | None, at: str | None, zone: str | None, said: str
):
    """The message is all that a user of the command line sees."""
    with pytest.raises(SqlscoreError, match=said):
        timetable(every, at, zone)
