"""Moments in time as users write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import EventsError, MappingError, SqlscoreError
from sqlscore.times import iso, moment, to_seconds


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-31",
        "2024-01-31 00:00:00",
        "2024-01-31T02:00:00+02:00",
        date(2024, 1, 31),
        datetime(2024, 1, 31),
        datetime(2024, 1, 31, tzinfo=UTC),
        datetime(2024, 1, 30, 19, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_one_moment_in_many_forms(value):
    assert moment(value, "as_of") == 1_706_659_200_000_000


@pytest.mark.parametrize("value", ["soon", "", "31.01.2024", None, 1_706_659_200])
def test_what_is_no_time_is_named_with_the_remedy(value):
    with pytest.raises(EventsError, match=r"as_of .* is not a time: write it as 2024-01-31"):
        moment(value, "as_of")
    with pytest.raises(MappingError, match="time_cap"):
        moment(value, "time_cap", MappingError)


@given(st.datetimes())
def test_text_gives_the_moment_back(at):
    assert moment(iso(moment(at, "start")), "start") == (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)


@pytest.mark.parametrize("length", ["5 years", "1 month", "2 quarters"])
def test_months_and_years_are_refused_with_the_reason(length: str) -> None:
    with pytest.raises(SqlscoreError, match=r"no fixed length.*'365 days'"):
        to_seconds(length)


def test_a_zone_that_leaves_the_calendar_is_refused() -> None:
    """An hour of the year 1 in one zone is a year before it in UTC."""
    with pytest.raises(EventsError, match="before the year 1 or after 9999"):
        moment("0001-01-01T00:00:00+10:00", "as_of")


def test_no_length_is_longer_than_the_calendar_unless_a_program_says_ever() -> None:
    with pytest.raises(SqlscoreError, match="at most 10,000 years"):
        to_seconds("9" * 400 + " days")
    assert to_seconds(float("inf")) == float("inf")
