from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sqlscore.simulation.shop import CHURN_DRIVERS, UNDERUSED_FEATURE, Shop, simulate_shop
from sqlscore.simulation.visits import ACTIONS


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate_shop(users=3_000, seed=7)


def query(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.register("events", shop.events)
        con.register("truth", shop.truth)
        return con.execute(sql).fetchall()


def test_same_seed_gives_the_same_shop():
    """The documentation prints what the shop contains."""
    first, again, other = (simulate_shop(users=200, seed=seed) for seed in (3, 3, 4))
    assert first.events.equals(again.events)
    assert first.truth.equals(again.truth)
    assert not first.events.equals(other.events)


def test_events_are_in_time_order_within_the_span(shop: Shop):
    """A log is written as it happens, and nothing is seen after the span's end."""
    times = shop.events["event_time"].to_numpy()
    assert (np.diff(times) >= np.timedelta64(0)).all()
    assert times[0] >= np.datetime64("2025-01-06")
    assert times[-1] < np.datetime64("2025-01-06") + np.timedelta64(90, "D")


def test_every_user_and_every_action_occurs(shop: Shop):
    """Every planted effect has data behind it, and the truth table covers all users."""
    assert set(shop.events["event_type"].unique().to_pylist()) == set(ACTIONS)
    assert shop.events["user_id"].unique().sort().equals(pa.array(range(1, 3_001)))
    assert shop.truth.num_rows == 3_000


def test_brand_and_price_stand_on_product_actions_only(shop: Shop):
    """NULL features occur in every demo, so that they are never a surprise."""
    searches = shop.events.filter(pc.equal(shop.events["event_type"], "search"))
    views = shop.events.filter(pc.equal(shop.events["event_type"], "view"))
    assert searches["brand"].null_count == searches["price"].null_count == searches.num_rows
    assert views["brand"].null_count == views["price"].null_count == 0


def test_lost_users_are_not_seen_after_they_are_lost(shop: Shop):
    """The truth table's moment of death is consistent with the log."""
    (late,) = query(shop, "SELECT count(*) FROM events JOIN truth USING (user_id) WHERE lost AND event_time > lost_at")[
        0
    ]
    assert late == 0


def test_churn_drivers_precede_death_more_often_than_any_other_action(shop: Shop):
    """What the action statistics are tested against: the two planted drivers come first, in their order."""
    rows = query(
        shop,
        """
        SELECT event_type
        FROM events JOIN truth USING (user_id)
        GROUP BY event_type
        ORDER BY avg((lost AND event_time > lost_at - INTERVAL 2 HOUR)::INTEGER) DESC
        """,
    )
    assert tuple(action for (action,) in rows[:2]) == CHURN_DRIVERS


def test_underused_feature_is_rare_and_protects(shop: Shop):
    """Few customers find the wishlist; those who do stay more often, at the same number of visits."""
    ((share,),) = query(
        shop,
        f"""
        WITH users AS (SELECT bool_or(event_type = '{UNDERUSED_FEATURE}') AS uses FROM events GROUP BY user_id)
        SELECT avg(uses::INTEGER) FROM users
        """,
    )
    assert share < 0.1
    ((lost_with, lost_without),) = query(
        shop,
        f"""
        WITH users AS (
            SELECT user_id, bool_or(event_type = '{UNDERUSED_FEATURE}') AS uses
            FROM events GROUP BY user_id
        )
        SELECT avg(lost::INTEGER) FILTER (uses), avg(lost::INTEGER) FILTER (NOT uses)
        FROM users JOIN truth USING (user_id) WHERE n_sessions BETWEEN 3 AND 8
        """,
    )
    assert lost_with < lost_without - 0.1


def test_weekends_and_evenings_are_busier(shop: Shop):
    """The planted seasonality is in the log, or hour and weekday would be dead inputs."""
    rows = query(shop, "SELECT hour(event_time), count(*) FROM events GROUP BY 1")
    by_hour = dict(rows)
    assert by_hour[20] > 3 * by_hour[4]
    ((weekend,),) = query(shop, "SELECT avg((isodow(event_time) >= 6)::INTEGER) FROM events")
    assert weekend > 2 / 7 + 0.03


@pytest.mark.parametrize(("users", "days"), [(0, 90), (10, 13)])
def test_impossible_shops_are_refused(users: int, days: int):
    """A shop without customers or too short for a horizon is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least 1 user and 14 days"):
        simulate_shop(users, days)


def test_a_shop_of_one_customer_works():
    """The smallest demo still has a table of events."""
    assert simulate_shop(users=1).events.num_rows > 0
