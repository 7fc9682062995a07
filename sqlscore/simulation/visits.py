"""What a customer does during one visit: the Markov chain over actions, style and cart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.simulation.customers import BRANDS, CHANNELS, Traits

ACTIONS = (
    "view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "checkout",
    "purchase",
    "payment_failed",
    "support_ticket",
    "review",
    "subscribe",
    "wishlist",
)

VIEW, SEARCH, ADD, REMOVE, CHECKOUT, PURCHASE, FAILED, TICKET, REVIEW, SUBSCRIBE, WISHLIST = range(11)
LEAVE = len(ACTIONS)
_MAX_STEPS = 25


@dataclass(frozen=True)
class State:
    """The changing state of each customer; the arrays are updated in place."""

    now: Floats  # hours since the start
    cart: Ints  # products in it
    unsolved: Bools  # a failed payment that may bring a support ticket
    ever: Bools  # (users, actions): done so far


@dataclass(frozen=True)
class Block:
    """One block of events: all customers' k-th step of one visit."""

    user: Ints
    time: Ints
    action: Ints
    brand: Ints
    price: Floats
    channel: Ints


def visit(
    rng: np.random.Generator,
    traits: Traits,
    state: State,
    active: Ints,
    log: list[Block],
) -> Bools:
    """One visit of every active customer, step by step: advances `state` and appends to `log`.

    Returns bool (len(active), len(ACTIONS)): which actions happened.
    """
    seen = np.zeros((len(active), len(ACTIONS)), np.bool_)
    inside = np.arange(len(active))
    last = np.full(len(active), LEAVE)
    viewed = np.zeros(len(active), np.int64)
    brand = np.where(rng.random(len(active)) < 0.6, traits.brand[active], rng.integers(0, len(BRANDS), len(active)))
    direct = rng.random(len(active)) < 0.7
    channel = np.where(direct, traits.channel[active], rng.integers(0, len(CHANNELS), len(active)))
    for _ in range(_MAX_STEPS):
        who = active[inside]
        chances = _chances(traits, state, who, last[inside], viewed[inside])
        running = np.cumsum(chances, axis=1)
        action = (rng.random(len(who))[:, None] * running[:, -1:] > running).sum(1)
        stays = action != LEAVE
        inside, who, action = inside[stays], who[stays], action[stays]
        if not len(who):
            break
        seen[inside, action] = True
        product = np.isin(action, (VIEW, ADD, REMOVE, PURCHASE, REVIEW, WISHLIST))
        changes = (action == VIEW) & (rng.random(len(who)) < 0.3)
        brand[inside[changes]] = rng.integers(0, len(BRANDS), int(changes.sum()))
        price = np.round(traits.price[who] * np.exp(rng.normal(0.0, 0.35, len(who))), 2)
        log.append(
            Block(
                user=who,
                time=np.asarray(np.rint(state.now[who] * 3_600_000), np.int64) * 1_000,  # whole milliseconds, in µs
                action=action,
                brand=np.where(product, brand[inside], -1),
                price=np.where(product, price, np.nan),
                channel=channel[inside],
            )
        )
        state.cart[who] += action == ADD
        state.cart[who] -= (action == REMOVE) & (state.cart[who] > 0)
        state.cart[who[action == PURCHASE]] = 0
        state.unsolved[who[action == FAILED]] = True
        state.unsolved[who[action == TICKET]] = False
        state.ever[who, action] = True
        viewed[inside] += action == VIEW
        last[inside] = action
        state.now[who] += np.exp(rng.normal(3.6, 0.9, len(who))) / 3600 + 0.001  # median 37 s between steps
    return seen


def _chances(traits: Traits, state: State, who: Ints, last: Ints, viewed: Ints) -> Floats:
    """float (N, actions + leave): unnormalised chances of the next step."""
    style, cart = traits.style[who], state.cart[who]
    table = _TABLES[style, last].copy()
    table[:, WISHLIST] *= np.where(traits.finds_wishlist[who], 1.0, 0.0)
    table[:, SUBSCRIBE] *= np.where(state.ever[who, SUBSCRIBE], 0.0, 1.0)
    table[:, REMOVE] *= cart > 0
    table[:, CHECKOUT] *= np.minimum(cart, 3)  # a full cart is taken to the till
    opening = last == LEAVE
    table[opening & (cart > 0), CHECKOUT] += 0.8  # what was left in the cart is remembered
    table[opening & state.unsolved[who], TICKET] += 0.8
    tired = (viewed >= 4) & (last == VIEW)
    table[tired, LEAVE] += 0.4
    table[:, LEAVE] *= np.where(opening, 0.0, 1.0)
    return table


def _step_tables() -> Floats:
    """float (styles, last action or opening, next action or leave)."""
    size = len(ACTIONS) + 1
    base = np.zeros((size, size))
    base[LEAVE, [VIEW, SEARCH, SUBSCRIBE, WISHLIST, TICKET]] = [0.5, 0.45, 0.02, 0.05, 0.01]
    base[VIEW, [VIEW, SEARCH, ADD, WISHLIST, CHECKOUT, LEAVE]] = [0.40, 0.14, 0.20, 0.12, 0.04, 0.17]
    base[SEARCH, [VIEW, SEARCH, LEAVE]] = [0.68, 0.16, 0.16]
    base[ADD, [VIEW, SEARCH, REMOVE, CHECKOUT, LEAVE]] = [0.30, 0.08, 0.08, 0.28, 0.14]
    base[REMOVE, [VIEW, SEARCH, CHECKOUT, LEAVE]] = [0.40, 0.14, 0.10, 0.36]
    base[CHECKOUT, [PURCHASE, FAILED, REMOVE, LEAVE]] = [0.70, 0.12, 0.05, 0.13]
    base[PURCHASE, [VIEW, REVIEW, SUBSCRIBE, LEAVE]] = [0.12, 0.12, 0.12, 0.64]
    base[FAILED, [CHECKOUT, TICKET, LEAVE]] = [0.15, 0.20, 0.60]
    base[TICKET, [VIEW, CHECKOUT, LEAVE]] = [0.22, 0.04, 0.74]
    base[REVIEW, [VIEW, SUBSCRIBE, LEAVE]] = [0.30, 0.06, 0.64]
    base[SUBSCRIBE, [VIEW, SEARCH, LEAVE]] = [0.40, 0.15, 0.45]
    base[WISHLIST, [VIEW, SEARCH, ADD, LEAVE]] = [0.45, 0.10, 0.20, 0.25]
    hunter, browser, bargain = base.copy(), base.copy(), base.copy()
    hunter[LEAVE, [VIEW, SEARCH]] = [0.15, 0.80]  # knows what it wants: search, look, buy
    hunter[VIEW, [VIEW, SEARCH, ADD, LEAVE]] = [0.10, 0.12, 0.56, 0.14]
    hunter[ADD, [VIEW, SEARCH, CHECKOUT]] = [0.06, 0.16, 0.60]
    browser[LEAVE, [VIEW, SEARCH]] = [0.85, 0.10]  # looks at much, buys little
    browser[VIEW, [VIEW, SEARCH, ADD, LEAVE]] = [0.66, 0.04, 0.10, 0.16]
    browser[ADD, [VIEW, CHECKOUT]] = [0.60, 0.12]
    bargain[LEAVE, [VIEW, SEARCH]] = [0.30, 0.65]  # compares: back to the search after each look
    bargain[VIEW, [VIEW, SEARCH, ADD, LEAVE]] = [0.12, 0.52, 0.18, 0.14]
    bargain[ADD, [VIEW, SEARCH, REMOVE, CHECKOUT]] = [0.12, 0.36, 0.30, 0.16]
    return np.stack([hunter, browser, bargain])


_TABLES = _step_tables()
