"""What drives a risk is found in the events: what the simulated shop planted, under any names, without the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb
import pytest
from advised_shop import open_scored_shop

SPANS = "horizon := INTERVAL 10 DAY, lookback := INTERVAL 20 DAY"
ROLES = f"SELECT action, role FROM sqlscore.step_roles({SPANS})"


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_scored_shop() as con:
        yield con


def test_roles_are_those_that_were_planted(shop: duckdb.DuckDBPyConnection) -> None:
    """A payment fails where a purchase usually follows; a ticket ends the visit; checkout goes on; some make stay."""
    roles = dict(shop.execute(ROLES).fetchall())
    assert (roles["payment_failed"], roles["support_ticket"]) == ("failure", "exit")
    assert (roles["checkout"], roles["add_to_cart"]) == ("unfinished", "unfinished")
    assert roles["subscribe"] == "retention"
    assert roles["view"] == "ordinary"


def test_names_mean_nothing(shop: duckdb.DuckDBPyConnection) -> None:
    """The same shop, its actions named by hashes, has the same roles."""
    roles = shop.execute(f"SELECT md5(action), role FROM ({ROLES}) ORDER BY 1").fetchall()
    with open_scored_shop() as other:
        other.execute("UPDATE e SET event_type = md5(event_type)")
        assert other.execute(f"{ROLES} ORDER BY 1").fetchall() == roles


def test_a_role_at_a_moment_knows_nothing_later(shop: duckdb.DuckDBPyConnection) -> None:
    """Roles and signs as of a day are those of the file that ends there."""
    as_of = "TIMESTAMP '2025-03-20'"
    then = shop.execute(f"FROM sqlscore.step_roles(as_of := {as_of}, {SPANS}) ORDER BY action").fetchall()
    with open_scored_shop() as cut:
        cut.execute(f"DELETE FROM e WHERE event_time > {as_of}")
        # the moment stays the same although the newest event is a little older
        cut.execute(f"INSERT INTO e VALUES (-1, {as_of}, 'view')")
        now = cut.execute(f"FROM sqlscore.step_roles({SPANS}) ORDER BY action").fetchall()
    for one, other in zip(then, now, strict=True):
        if one[0] != "view":  # of which there is one more
            assert one[:2] == other[:2]
            assert one[2] == other[2]
            assert one[3] == pytest.approx(other[3])


def test_a_driver_says_how_many_left_after_it(shop: duckdb.DuckDBPyConnection) -> None:
    """Who failed at a step leaves more often than others, which was planted; shares lie in their intervals."""
    query = f"FROM sqlscore.driver_stats({SPANS})"
    rows = shop.execute(f"SELECT driver, churn_rate, rate_low, rate_high, churn_rate_of_all {query}")
    stats = {row[0]: row[1:] for row in rows.fetchall()}
    assert set(stats) == {"failed step", "exit intent", "abandoned flow", "inactivity"}
    for rate, low, high, _ in stats.values():
        assert low <= rate <= high
    assert stats["failed step"][1] > stats["failed step"][3]
    assert stats["exit intent"][1] > stats["exit intent"][3]


def test_each_active_user_at_risk_has_one_row_with_reasons(shop: duckdb.DuckDBPyConnection) -> None:
    """And nobody else has one; what is called unused was never done, what is called an action of the last visit was."""
    wanted = "SELECT user_id FROM sqlscore.scored_users WHERE is_active AND churn_risk >= 0.3 ORDER BY 1"
    shop.execute(f"CREATE OR REPLACE TEMP TABLE s AS FROM sqlscore.user_signals_with({SPANS})")
    assert shop.execute("SELECT user_id FROM s ORDER BY 1").fetchall() == shop.execute(wanted).fetchall()
    done = """SELECT count(*) FROM s JOIN e ON e.user_id = s.user_id
              WHERE list_contains(s.unused_features, e.event_type)"""
    assert shop.execute(done).fetchall() == [(0,)]
    shown = """SELECT count(*) FROM s WHERE driver_action IS NOT NULL AND NOT EXISTS (
        FROM sqlscore.session_events v WHERE v.user_id = s.user_id AND v.event_type = s.driver_action
        AND v.session_id = (SELECT max(session_id) FROM sqlscore.sessions x WHERE x.user_id = s.user_id))"""
    assert shop.execute(shown).fetchall() == [(0,)]
    assert shop.execute("SELECT min(len(reasons)) FROM s WHERE driver <> 'unclear'").fetchall()[0][0] >= 2


def test_the_last_visit_is_what_a_loop_over_the_events_finds(shop: duckdb.DuckDBPyConnection) -> None:
    """Last action, visits, silence and harmful steps, a horizon before the scores."""
    roles = {
        action: (role, lift)
        for action, role, lift in shop.execute(
            f"""SELECT action, role, retention_lift FROM sqlscore.step_roles(
                as_of := (SELECT max(as_of) - INTERVAL 10 DAY FROM sqlscore.scored_users), {SPANS})"""
        ).fetchall()
    }
    ((moment,),) = shop.execute("SELECT max(as_of) - INTERVAL 10 DAY FROM sqlscore.scored_users").fetchall()
    visits: dict[int, list[list[tuple[datetime, str]]]] = {}
    events = "SELECT user_id, event_time, event_type FROM e WHERE event_time <= ? ORDER BY ALL"
    for user, time, action in shop.execute(events, [moment]).fetchall():
        mine = visits.setdefault(user, [])
        if not mine or time > mine[-1][-1][0] + timedelta(minutes=30):
            mine.append([])
        mine[-1].append((time, action))
    expected = []
    for user, mine in sorted(visits.items()):
        time, action = mine[-1][-1]
        harmful = {
            role: min(
                (one for _, one in mine[-1] if roles[one][0] == role), key=lambda one: roles[one][1], default=None
            )
            for role in ("failure", "exit")
        }
        silent = (moment - time) / timedelta(days=1)
        expected.append((user, len(mine), pytest.approx(silent, abs=1e-9), action, *harmful.values()))
    columns = "user_id, n_visits, days_silent, last_action, failed_step, exit_step"
    signs = f"SELECT {columns} FROM sqlscore.user_signs(back := INTERVAL 10 DAY, {SPANS}) ORDER BY 1"
    assert shop.execute(signs).fetchall() == expected
    assert {row[4] for row in expected} >= {None, "payment_failed"}
