"""Views against pandas, computed independently, on real events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import sqlscore

SETS = (
    "mobile_onboarding/events",
    "online_retail/invoices",
    "online_retail/events",
    "rees46_cosmetics/events",
    "stackexchange_quantum/events",
)
GAP = pd.Timedelta(minutes=30)


@dataclass(frozen=True)
class Real:
    """A mapped data set, and the same usable events as a frame in sequence order."""

    con: duckdb.DuckDBPyConnection
    events: pd.DataFrame

    def frame(self, query: str) -> pd.DataFrame:
        return self.con.sql(query).df()


@pytest.fixture(scope="module", params=SETS)
def real(request: pytest.FixtureRequest, data: Path) -> Iterator[Real]:
    con = sqlscore.connect()
    sqlscore.map_events(con, str(data / f"{request.param}.parquet"), event_time="ts")
    events = con.sql("SELECT user_id, event_time, event_type FROM sqlscore.events").df()
    yield Real(con, events.sort_values(["user_id", "event_time", "event_type"], ignore_index=True))
    con.close()


def same(found: pd.DataFrame, expected: pd.DataFrame, by: list[str]) -> None:
    """Equal rows in any order, and in the columns of `expected`."""
    found, expected = (f.sort_values(by, ignore_index=True)[list(expected.columns)] for f in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)


def optional(labels: pd.DataFrame) -> pd.DataFrame:
    """`churned` as True, False or None."""
    return labels.assign(churned=labels.churned.astype(object).where(labels.churned.notna(), None))


def session_numbers(events: pd.DataFrame, gap: pd.Timedelta = GAP) -> pd.Series:
    starts = events.groupby("user_id").event_time.diff().gt(gap) | ~events.user_id.duplicated()
    return starts.groupby(events.user_id).cumsum()


def first_last(events: pd.DataFrame) -> pd.DataFrame:
    return events.groupby("user_id").event_time.agg(first="min", last="max").reset_index()


def test_sessions_are_what_pandas_cuts(real: Real) -> None:
    """Every count of visits rests on these."""
    events = real.events.assign(session_id=session_numbers(real.events))
    expected = events.groupby(["user_id", "session_id"], as_index=False).agg(
        session_start=("event_time", "min"),
        session_end=("event_time", "max"),
        n_events=("event_time", "size"),
        first_action=("event_type", "first"),
        last_action=("event_type", "last"),
    )
    same(real.frame("FROM sqlscore.sessions"), expected, ["user_id", "session_id"])


def test_session_stats_are_what_pandas_counts(real: Real) -> None:
    """Quantiles and shares over the sessions, overall and by month."""
    sessions = real.frame("FROM sqlscore.sessions")
    seconds = (sessions.session_end - sessions.session_start).dt.total_seconds()
    away = sessions.sort_values(["user_id", "session_id"]).groupby("user_id")
    back = (away.session_start.shift(-1) - sessions.session_end).dt.total_seconds()
    found = real.frame("FROM sqlscore.session_stats").iloc[0]
    assert found.n_sessions == len(sessions)
    assert found.sessions_per_user == pytest.approx(len(sessions) / sessions.user_id.nunique())
    assert found.p90_duration_seconds == pytest.approx(seconds.quantile(0.9))
    assert found.median_events == sessions.n_events.median()
    assert found.single_event_share == pytest.approx((sessions.n_events == 1).mean())
    assert (found.median_seconds_to_return == pytest.approx(back.median())) or back.isna().all()
    months = real.frame("FROM sqlscore.session_stats_with(period := 'month')").set_index("period_start")
    expected = sessions.groupby(sessions.session_start.dt.to_period("M").dt.start_time).user_id.nunique()
    assert months.n_users.sort_index().to_dict() == expected.to_dict()


def test_sequences_are_in_time_order_with_ties_by_action(real: Real) -> None:
    """The order that the functions score in."""
    found = real.frame(
        """SELECT user_id, UNNEST(events).event_time AS event_time, UNNEST(events).event_type AS event_type
        FROM sqlscore.event_sequences ORDER BY user_id, UNNEST(range(n_events))"""
    )
    pd.testing.assert_frame_equal(found, real.events)


def test_inactivity_labels_are_what_pandas_labels(real: Real) -> None:
    """Half-open on both sides, at a moment that is itself an event's time."""
    span = real.events.event_time.max() - real.events.event_time.min()
    horizon, lookback = span / 4, span / 3
    as_of = real.events.event_time.sort_values().iloc[len(real.events) * 2 // 3]
    past = real.events[real.events.event_time <= as_of]
    future = real.events[(real.events.event_time > as_of) & (real.events.event_time <= as_of + horizon)]
    seen = past[past.event_time > as_of - lookback]
    expected = seen.groupby("user_id").size().rename("n_events").reset_index()
    ends = first_last(past).set_index("user_id")
    censored = as_of + horizon > real.events.event_time.max()
    expected["churned"] = None if censored else ~expected.user_id.isin(future.user_id)
    expected["censored"] = censored
    expected["bounced"] = (
        (ends["last"] - ends["first"]).le(pd.Timedelta(minutes=10)).reindex(expected.user_id).to_numpy()
    )
    found = real.con.execute(
        "FROM sqlscore.churn_labels_inactivity("
        "as_of := $as_of::TIMESTAMP, horizon := $horizon::INTERVAL, lookback := $lookback::INTERVAL)",
        {"as_of": as_of.to_pydatetime(), "horizon": horizon.to_pytimedelta(), "lookback": lookback.to_pytimedelta()},
    ).df()
    same(optional(found), optional(expected), ["user_id"])


def test_first_touch_labels_are_what_pandas_labels(real: Real) -> None:
    """24 hours of observation and 10 minutes of bounce, each user's own."""
    high_water = real.events.event_time.max()
    expected = first_last(real.events)
    as_of = expected["first"] + pd.Timedelta(hours=24)
    bounced = expected["last"] - expected["first"] <= pd.Timedelta(minutes=10)
    censored = as_of > high_water
    churned = (expected["last"] <= as_of).astype(object).mask(bounced | censored, None)
    expected = expected.assign(as_of=as_of, bounced=bounced, censored=censored, churned=churned)
    found = real.frame("FROM sqlscore.churn_labels_first_touch()")
    same(optional(found), expected[["user_id", "as_of", "bounced", "censored", "churned"]], ["user_id"])


def test_lapsed_users_are_those_whom_inactivity_would_have_called_churned(real: Real) -> None:
    """Looking back from now = looking ahead from a horizon ago, with no limit to the lookback."""
    differing = real.con.execute(
        """WITH moment AS (SELECT high_water - INTERVAL 7 DAY AS ago FROM sqlscore.high_water),
        ahead AS (FROM sqlscore.churn_labels_inactivity(
            as_of := (SELECT ago FROM moment), horizon := INTERVAL 7 DAY, lookback := NULL)),
        back AS (FROM sqlscore.churn_labels_lapsed(horizon := INTERVAL 7 DAY))
        SELECT count(*) FILTER (WHERE ahead.churned IS DISTINCT FROM back.churned),
               count(*) FILTER (WHERE back.censored <> (ahead.user_id IS NULL))
        FROM back LEFT JOIN ahead USING (user_id)"""
    ).fetchone()
    assert differing == (0, 0)
