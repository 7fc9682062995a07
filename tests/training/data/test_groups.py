"""Labels of a log whose groups end at different dates, by brute force."""

from __future__ import annotations

from collections import defaultdict

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sqlscore
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.events.sequences import offsets_of
from sqlscore.progress import Silent
from sqlscore.training.data.churn_labels import censored_at_end, examples_at
from sqlscore.training.data.event_log import Column, EventLog, ends_of_groups, read_log
from sqlscore.training.data.split import Churn

DAY = 86_400 * US_PER_SECOND
HORIZON, LOOKBACK = 10 * DAY, 20 * DAY


def churn(*dates: int) -> Churn:
    return Churn(HORIZON, LOOKBACK, dates, dates, dates)


@st.composite
def logs(draw: st.DrawFn) -> list[list[tuple[int, int]]]:
    """Users' events, (day, group) in order of time; group 0 is none."""
    users = draw(
        st.lists(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=8), min_size=1)
    )
    return [sorted(user) for user in users]


def log_of(users: list[list[tuple[int, int]]], grouped: bool = True) -> EventLog:
    times = np.array([day * DAY for user in users for day, _ in user], np.int64)
    codes = np.array([group for user in users for _, group in user], np.int32)
    offsets = offsets_of(np.array([len(user) for user in users], np.int64))
    actions = Column(np.ones(len(times), np.int32), ["a"])
    if not grouped:
        return EventLog(actions, times, offsets, {}, {})
    group = Column(codes, ["x", "y", "z"])
    return EventLog(actions, times, offsets, {}, {}, group=group, known_until=ends_of_groups(codes, times, offsets))


@given(logs(), st.integers(0, 60))
def test_a_label_exists_only_if_the_horizon_ends_before_the_users_groups_do(
    users: list[list[tuple[int, int]]], date: int
) -> None:
    ends: dict[int, int] = defaultdict(int)
    for user in users:
        for day, group in user:
            ends[group] = max(ends[group], day)
    expected = []
    for user in users:
        past = [(day, group) for day, group in user if day <= date]
        if not past or past[-1][0] <= date - 20:
            continue
        if date + 10 <= max(ends[group] for _, group in past):
            churned = not any(date < day <= date + 10 for day, _ in user)
            expected.append((date - past[-1][0], churned, len(past)))
    found = examples_at(log_of(users), (date * DAY,), churn(date * DAY))
    seconds = (found.elapsed / 86_400).astype(int)
    assert list(zip(seconds, found.churned, found.seen, strict=True)) == expected


@given(logs(), st.integers(0, 60))
def test_one_group_gives_the_labels_of_no_group(users: list[list[tuple[int, int]]], date: int) -> None:
    """Up to the newest date that has labels at all, which is all that training asks for."""
    newest = max(day for user in users for day, _ in user)
    date = min(date, newest - 10)
    alike = [[(day, 1) for day, _ in user] for user in users]
    with_group, without = (
        examples_at(log_of(alike, grouped), (date * DAY,), churn(date * DAY)) for grouped in (True, False)
    )
    for name in ("position", "elapsed", "churned", "seen"):
        np.testing.assert_array_equal(getattr(with_group, name), getattr(without, name))
    assert censored_at_end(log_of(alike), churn(date * DAY), newest * DAY) == censored_at_end(
        log_of(alike, False), churn(date * DAY), newest * DAY
    )


def planted(con: duckdb.DuckDBPyConnection, seed: int = 0) -> None:
    """Table `log`: 60 users of three sites, of which `old` ended two years before the others; 5 without a site.

    People of each site come every few days until they leave, four in ten of them for good before the end.
    """
    random = np.random.default_rng(seed)
    rows = []
    for user in range(400):
        site = ("north", "south", "old", None)[user % 4] if user % 40 != 3 else None
        begin = random.uniform(0, 60)
        stays = random.uniform(10, 60) if random.random() < 0.4 else 1000.0
        day = begin
        while day < min(begin + stays, 150):
            shift = -730 if site == "old" else 0
            action = ("view", "cart", "buy")[int(random.integers(3))]
            rows.append(
                (user, site, np.datetime64("2024-01-01", "us") + np.timedelta64(int((day + shift) * DAY), "us"), action)
            )
            day += random.exponential(4) + 0.05
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        {
            "user_id": columns[0],
            "site": pa.array(columns[1], pa.string()),
            "event_time": pa.array(np.array(columns[2], "datetime64[us]")),
            "event_type": columns[3],
        }
    )
    con.register("made", table)
    con.execute("CREATE TABLE log AS FROM made")
    con.unregister("made")


@pytest.fixture(scope="module")
def sites() -> duckdb.DuckDBPyConnection:
    con = sqlscore.connect()
    planted(con)
    sqlscore.map_events(con, "log", group="site")
    return con


def test_the_log_knows_the_group_of_each_event_and_no_model_reads_it(sites: duckdb.DuckDBPyConnection) -> None:
    mapping = Mapping("events", "log", "user_id", "event_time", "event_type", group="site")
    log = read_log(sites, mapping, 10**9, 10**9, Silent())
    assert log.group is not None
    assert log.known_until is not None
    assert log.categorical == {}
    counts = np.bincount(log.group.codes)
    found = dict(zip([None, *log.group.values], counts, strict=True))
    assert found == dict(sites.execute("SELECT site, count(*) FROM log GROUP BY 1").fetchall())
    ends = dict(sites.execute("SELECT part, epoch_us(high_water) FROM sqlscore.group_high_water").fetchall())
    names = np.array([None, *log.group.values], object)[log.group.codes]
    assert [ends[name] for name in names] == log.known_until.tolist()  # each user here has one group


@pytest.mark.parametrize("days_ago", [None, 12, 40, 735, 760])
def test_labels_in_sql_are_those_that_training_learns(sites: duckdb.DuckDBPyConnection, days_ago: int | None) -> None:
    mapping = Mapping("events", "log", "user_id", "event_time", "event_type", group="site")
    log = read_log(sites, mapping, 10**9, 10**9, Silent())
    assert log.known_until is not None
    newest = int(log.times.max())
    date = newest - HORIZON if days_ago is None else newest - days_ago * DAY
    sql = sites.execute(
        """SELECT count(*) FILTER (NOT censored), count(*) FILTER (churned), count(*) FILTER (censored)
           FROM sqlscore.churn_labels_inactivity(
               as_of := make_timestamp(?), horizon := INTERVAL 10 DAY, lookback := INTERVAL 20 DAY)""",
        [date],
    ).fetchall()[0]
    found = examples_at(log, (date,), churn(date))
    assert sql[:2] == (len(found), int(found.churned.sum()))
    if days_ago in (735,):
        assert sql[2] > 0  # of the old site, within a horizon of its end


def test_by_default_each_group_is_labelled_at_its_own_end(sites: duckdb.DuckDBPyConnection) -> None:
    rows = sites.execute(
        """SELECT g.group_name, min(l.as_of), max(l.as_of), count(*), bool_or(l.censored)
           FROM sqlscore.churn_labels_inactivity(horizon := INTERVAL 10 DAY, lookback := INTERVAL 20 DAY) l
           JOIN sqlscore.user_groups g USING (user_id) GROUP BY 1"""
    ).fetchall()
    ends = dict(sites.execute("SELECT part, high_water - INTERVAL 10 DAY FROM sqlscore.group_high_water").fetchall())
    assert {name: (least, most) for name, least, most, _, _ in rows} == {name: (end, end) for name, end in ends.items()}
    assert all(n > 20 and not censored for _, _, _, n, censored in rows)


def test_lapsed_and_first_touch_labels_end_with_the_group(sites: duckdb.DuckDBPyConnection) -> None:
    lapsed = sites.execute(
        """SELECT user_id, churned FROM sqlscore.churn_labels_lapsed(horizon := INTERVAL 10 DAY) WHERE NOT censored
           ORDER BY 1"""
    ).fetchall()
    expected = sites.execute(
        """WITH ends AS (SELECT site, max(event_time) AS newest FROM log GROUP BY 1)
           SELECT user_id, max(event_time) <= any_value(newest) - INTERVAL 10 DAY FROM log
           JOIN ends ON ends.site IS NOT DISTINCT FROM log.site GROUP BY 1
           HAVING min(event_time) <= any_value(newest) - INTERVAL 10 DAY ORDER BY 1"""
    ).fetchall()
    assert lapsed == expected
    censored = sites.execute(
        """SELECT f.user_id, censored FROM sqlscore.churn_labels_first_touch(horizon := INTERVAL 100 DAY) f
           ORDER BY 1"""
    ).fetchall()
    assert (
        censored
        == sites.execute(
            """WITH ends AS (SELECT site, max(event_time) AS newest FROM log GROUP BY 1)
           SELECT user_id, min(event_time) + INTERVAL 24 HOUR + INTERVAL 100 DAY > any_value(newest) FROM log
           JOIN ends ON ends.site IS NOT DISTINCT FROM log.site GROUP BY 1 ORDER BY 1"""
        ).fetchall()
    )


def test_a_site_that_ended_has_figures_labels_and_scores_of_its_own(sites: duckdb.DuckDBPyConnection) -> None:
    """From training to the summary by group; without groups all users of the old site would look lost."""
    info = sqlscore.train(sites, horizon="10 days", max_epochs=2)
    figures = {row["group"]: row for row in info.metrics["groups"]}
    assert set(figures) <= {"north", "south", "old", None}
    assert figures["north"]["churn"]["n"] > 50
    assert sum(row["churn"]["n"] for row in figures.values()) == info.metrics["churn"]["n"]
    stored = sites.execute("SELECT group_name, n_labelled FROM sqlscore.group_metrics").fetchall()
    assert dict(stored) == {name: row["churn"]["n"] for name, row in figures.items()}
    assert sites.execute("SELECT count(*) FROM sqlscore.model_metrics WHERE head LIKE 'groups%'").fetchall() == [(0,)]
    sqlscore.refresh(sites)
    summary = {
        row[0]: row[1:]
        for row in sites.execute(
            "SELECT group_name, n_users, n_active, n_lapsed, expected_churners, days_behind FROM sqlscore.group_summary"
        ).fetchall()
    }
    expected = sites.execute(
        """WITH ends AS (SELECT site, max(event_time) AS newest FROM log GROUP BY 1),
           users AS (SELECT log.site, user_id, max(event_time) AS last, any_value(newest) AS newest FROM log
               JOIN ends ON ends.site IS NOT DISTINCT FROM log.site GROUP BY 1, 2)
           SELECT site, count(*), count(*) FILTER (last > newest - INTERVAL 20 DAY),
               count(*) FILTER (last <= newest - INTERVAL 20 DAY) FROM users GROUP BY 1"""
    ).fetchall()
    assert {name: row[:3] for name, row in summary.items()} == {name: tuple(counts) for name, *counts in expected}
    assert summary["old"][1] > 40  # active when the site ended, two years before the rest
    assert summary["old"][4] == pytest.approx(730, abs=3)
    assert 0 < summary["old"][3] < summary["old"][1]
    judged = sqlscore.evaluate(sites)
    assert {row["group"]: row["churn"]["n"] for row in judged["groups"]} == {
        name: row["churn"]["n"] for name, row in figures.items()
    }


def test_one_group_trains_what_no_group_trains() -> None:
    """The same examples, the same model, the same figures; nothing is said by group of a single one."""
    found = []
    for group in (None, "one"):
        with sqlscore.connect() as con:
            planted(con)
            con.execute("ALTER TABLE log ADD COLUMN one VARCHAR DEFAULT 'all'")
            sqlscore.map_events(con, "log", group=group)
            found.append(dict(sqlscore.train(con, horizon="10 days", max_epochs=1).metrics))
    (of_one,) = found[1].pop("groups")
    assert (of_one["group"], of_one["churn"]["n"]) == ("all", found[0]["churn"]["n"])
    assert found[0] == found[1]


def test_a_walk_through_time_has_no_labels_beyond_the_end_of_a_group(sites: duckdb.DuckDBPyConnection) -> None:
    sqlscore.train(sites, horizon="10 days", max_epochs=1)
    walk = sqlscore.backtest(sites, every="7 days", include_seen=True, start="2022-05-12", end="2022-06-10")
    labelled = {str(period["as_of"])[:10]: (period["n_labelled"], period["n_censored"]) for period in walk.periods}
    assert labelled["2022-05-12"][0] > 40
    assert labelled["2022-05-12"][1] == 0
    for day in ("2022-05-26", "2022-06-02", "2022-06-09"):  # the old site ends on 30 May
        assert labelled[day][0] == 0
        assert labelled[day][1] > 20
