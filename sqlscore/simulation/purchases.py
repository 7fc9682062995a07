"""Orders, their items, packages and customers: a log in which an event belongs to several objects, as OCEL has it.

What is planted, for tests to find:

- *Several kinds of objects.* "place order" belongs to an order, its items and a customer; a package may hold
  several orders.
- *Links that repeat.* In a part of the orders the customer is linked twice, as buyer and as payer, and in another part
  the order itself is, as order and as offer: the event happened once.
- *Ties.* An order is confirmed in the second in which it is placed, and its items are picked in one.
- *Names that mislead.* Events are numbered in the order of the log, and "e10" sorts before "e9".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

ORDERS, ITEMS, PACKAGES, CUSTOMERS = "orders", "items", "packages", "customers"

_START = np.datetime64("2025-03-03T08:00:00", "s")
_SPAN = 120 * 86_400  # seconds in which orders come


@dataclass(frozen=True)
class Purchases:
    """What was recorded.

    Attributes:
        events: event_id VARCHAR, event_time TIMESTAMP (UTC), event_type VARCHAR, clerk VARCHAR, amount DOUBLE ("pay
            order" alone), parcels BIGINT ("send package" alone), in the order of the log: by time.
        objects: object_id VARCHAR, object_type VARCHAR.
        links: event_id, object_id, qualifier, all VARCHAR; a pair may stand there under two qualifiers.
    """

    events: pa.Table
    objects: pa.Table
    links: pa.Table


@dataclass
class _Log:
    """Events as they are made: (second, type, clerk, amount, parcels) and their links."""

    events: list[tuple[int, str, str, float | None, int | None]] = field(default_factory=list)
    links: list[list[tuple[str, str]]] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)

    def add(self, second: float, kind: str, clerk: str, links: list[tuple[str, str]], **values: float | int) -> None:
        amount, parcels = values.get("amount"), values.get("parcels")
        self.events.append((int(second), kind, clerk, amount, None if parcels is None else int(parcels)))
        self.links.append(links)


def simulate_purchases(orders: int = 400, seed: int = 0) -> Purchases:
    """Simulate purchases, with about 8 events an order; the same arguments give the same tables.

    Args:
        orders: orders, 1 or more.
        seed: of all random numbers.

    Raises ValueError for fewer orders.
    """
    if orders < 1:
        raise ValueError(f"a log needs at least 1 order, not {orders}")
    rng, log = np.random.default_rng(seed), _Log()
    waiting: list[tuple[str, list[str]]] = []  # orders that are packed with the next
    for number in range(orders):
        order, customer = f"o-{number + 1}", f"customer {rng.integers(max(orders // 5, 1)) + 1}"
        items = [f"i-{number + 1}-{which + 1}" for which in range(rng.integers(1, 5))]
        log.objects |= {order: ORDERS, customer: CUSTOMERS, **dict.fromkeys(items, ITEMS)}
        second, clerk = float(rng.uniform(0, _SPAN)), f"clerk {rng.integers(6) + 1}"
        placed = [(order, "order"), (customer, "buyer"), *((item, "item") for item in items)]
        placed += [(customer, "payer")] if rng.random() < 0.2 else []
        placed += [(order, "offer")] if rng.random() < 0.1 else []
        log.add(second, "place order", clerk, placed)
        log.add(second, "confirm order", clerk, [(order, "order")])
        second += rng.exponential(6 * 3600)
        for item in items:
            log.add(second, "pick item", clerk, [(item, "item"), (order, "order")])
        waiting.append((order, items))
        if rng.random() < 0.8:
            package = f"p-{number + 1}"
            log.objects[package] = PACKAGES
            second += rng.exponential(12 * 3600)
            links = [(package, "package"), *((packed, "order") for packed, _ in waiting)]
            links += [(item, "item") for _, packed in waiting for item in packed]
            log.add(second, "send package", clerk, links, parcels=len(waiting))
            waiting = []
        second += rng.exponential(5 * 86_400)
        if rng.random() < 0.3:
            log.add(second, "remind of payment", clerk, [(order, "order")])
            second += rng.exponential(3 * 86_400)
        paid = round(float(rng.gamma(2.0, 40.0)), 2)
        log.add(second, "pay order", clerk, [(order, "order"), (customer, "payer")], amount=paid)
    return _tables(log)


def _tables(log: _Log) -> Purchases:
    order = np.argsort([event[0] for event in log.events], kind="stable")
    events = [log.events[place] for place in order]
    seconds, kinds, clerks, amounts, parcels = zip(*events, strict=True)
    links = [(f"e{rank + 1}", *link) for rank, place in enumerate(order) for link in log.links[place]]
    identities, linked, qualifiers = zip(*links, strict=True)
    moments = (_START + np.asarray(seconds, "timedelta64[s]")).astype("datetime64[us]")
    return Purchases(
        pa.table(
            {
                "event_id": [f"e{rank + 1}" for rank in range(len(events))],
                "event_time": pa.array(moments),
                "event_type": pa.array(kinds),
                "clerk": pa.array(clerks),
                "amount": pa.array(amounts, pa.float64()),
                "parcels": pa.array(parcels, pa.int64()),
            }
        ),
        pa.table({"object_id": list(log.objects), "object_type": list(log.objects.values())}),
        pa.table({"event_id": identities, "object_id": linked, "qualifier": qualifiers}),
    )


def linked_twice(purchases: Purchases) -> int:
    """How many links repeat an event and object under another qualifier."""
    pairs = Counter(zip(*(purchases.links[name].to_pylist() for name in ("event_id", "object_id")), strict=True))
    return sum(count - 1 for count in pairs.values())
