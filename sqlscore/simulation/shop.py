"""The shop as a whole: visits until the customer is lost or the span ends, and the tables that are left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.simulation.customers import BRANDS, CHANNELS, STYLES, Clock, Traits, draw_traits
from sqlscore.simulation.visits import ACTIONS, Block, State, visit

CHURN_DRIVERS = ("payment_failed", "support_ticket")
RETENTION_ACTION = "subscribe"
UNDERUSED_FEATURE = "wishlist"
PROTECTORS = (RETENTION_ACTION, UNDERUSED_FEATURE)
HAZARD_FACTORS = {"payment_failed": 15.0, "support_ticket": 6.0, "subscribe": 0.4, "wishlist": 0.3}

START = np.datetime64("2025-01-06T00:00:00", "us")  # a Monday

_HOUR_US = 3_600_000_000
_REGULARITY = 3.0  # of visits: 1 is a Poisson process, more is closer to a habit
_MIN_GAP_HOURS = 0.75  # between visits: more than the gap that cuts sessions


@dataclass(frozen=True)
class Shop:
    """What happened and why.

    Attributes:
        events: user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR, brand VARCHAR, price DOUBLE, channel VARCHAR,
            in time order; brand and price are NULL for actions without a product.
        truth: one row a user: user_id, style, hazard (own, per visit), visits_per_week, n_sessions, lost BOOLEAN
            (dead before the span ended) and lost_at (the end of the last visit).
    """

    events: pa.Table
    truth: pa.Table


def simulate_shop(users: int = 20_000, days: int = 90, seed: int = 0) -> Shop:
    """Simulate a shop, with about 30 events a user; the same arguments give the same tables.

    Args:
        users: customers, 1 or more.
        days: the span, 14 or more.
        seed: of all random numbers.

    Raises ValueError for fewer users or days.
    """
    if users < 1 or days < 14:
        raise ValueError(f"a shop needs at least 1 user and 14 days, not {users} users and {days} days")
    rng = np.random.default_rng(seed)
    traits = draw_traits(rng, users)
    clock = Clock(days)
    end = float(days * 24)
    state = State(
        now=np.sort(rng.uniform(0, 0.75 * end, users)),
        cart=np.zeros(users, np.int64),
        unsolved=np.zeros(users, np.bool_),
        ever=np.zeros((users, len(ACTIONS)), np.bool_),
    )
    n_sessions = np.zeros(users, np.int64)
    lost_at = np.full(users, np.nan)
    log: list[Block] = []
    active = np.arange(users)
    while len(active):
        n_sessions[active] += 1
        seen = visit(rng, traits, state, active, log)
        hazard = traits.hazard[active] * _factors(seen, CHURN_DRIVERS) * _factors(state.ever[active], PROTECTORS)
        dies = rng.random(len(active)) < -np.expm1(-hazard)
        lost_at[active[dies]] = state.now[active[dies]]
        active = active[~dies]
        waits = rng.gamma(_REGULARITY, 1.0 / _REGULARITY, len(active)) / traits.rate[active]
        state.now[active] = clock.later(state.now[active] + _MIN_GAP_HOURS, waits)
        active = active[state.now[active] < end]
    return Shop(_events(log, end), _truth(traits, n_sessions, lost_at, end))


def _factors(happened: Bools, actions: tuple[str, ...]) -> Floats:
    """bool (N, actions) -> float (N,): the product of the hazard factors of those of `actions` that happened."""
    columns = [happened[:, ACTIONS.index(action)] for action in actions]
    factors = [np.where(column, HAZARD_FACTORS[action], 1.0) for column, action in zip(columns, actions, strict=True)]
    return np.asarray(np.prod(factors, axis=0))


def _events(log: list[Block], end: float) -> pa.Table:
    """Blocks of events -> one table in time order, without the events after the end of the span."""
    user, time, action, brand, channel = (
        np.concatenate([getattr(block, name) for block in log])
        for name in ("user", "time", "action", "brand", "channel")
    )
    price = np.concatenate([block.price for block in log])
    order = np.lexsort((user, time))
    order = order[time[order] < end * _HOUR_US]
    brands = pa.array(BRANDS).take(pa.array(brand[order], mask=brand[order] < 0))
    return pa.table(
        {
            "user_id": pa.array(user[order] + 1),
            "event_time": pa.array(START + time[order].astype("timedelta64[us]")),
            "event_type": pa.array(ACTIONS).take(pa.array(action[order])),
            "brand": brands,
            "price": pa.array(price[order], mask=np.isnan(price[order])),
            "channel": pa.array(CHANNELS).take(pa.array(channel[order])),
        }
    )


def _truth(traits: Traits, n_sessions: Ints, lost_at: Floats, end: float) -> pa.Table:
    lost = lost_at < end
    micros = np.where(lost, lost_at, 0.0) * _HOUR_US
    return pa.table(
        {
            "user_id": pa.array(np.arange(1, len(lost) + 1)),
            "style": pa.array(STYLES).take(pa.array(traits.style)),
            "hazard": pa.array(traits.hazard),
            "visits_per_week": pa.array(traits.rate * 7 * 24),
            "n_sessions": pa.array(n_sessions),
            "lost": pa.array(lost),
            "lost_at": pa.array(START + np.asarray(micros, np.int64).astype("timedelta64[us]"), mask=~lost),
        }
    )
