#!/usr/bin/env bash
# Library: amplitude-analytics 1.3.0
# Guess: a property that cannot be sent raises, or is left out alone; the others of the event are kept.
# What happens: one datetime, Decimal, tuple, or list with a None in it takes all properties of its event along, and of
#   its user: the event is sent bare, and without a word on the way. Whole numbers are no prices: revenue=10 is left out
#   (an error is logged) where 10.0 is sent, Revenue(price=5) is not valid, and a user_id that is a number is left out,
#   so that the event has no user. set() on a property that was set before in one Identify keeps the first value.
# Source: observed; the type hints of the package allow a dict of any values, and a whole number where a float is asked.
# In sqlscore: a mapping needs a user, a time and an action, and its profile counts the rows that lack one; other
#   properties are read only where a mapping names them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq amplitude-analytics==1.3.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import logging
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from amplitude import BaseEvent, Identify, Revenue


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


class Told(logging.Handler):
    """Keeps what the library logs, at any level."""

    def __init__(self):
        super().__init__(level=logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


print("amplitude-analytics", version("amplitude-analytics"))
told = Told()
logging.getLogger("amplitude").addHandler(told)
logging.getLogger("amplitude").propagate = False
logging.getLogger("amplitude").setLevel(logging.DEBUG)


def sent(**fields):
    return BaseEvent("order", **{"user_id": "user-1", **fields}).get_event_body()


bare = {"user_id": "user-1", "event_type": "order"}
kept = {"page": "cart", "n": 2}
expect("plain", sent(event_properties=kept), {**bare, "event_properties": kept})
odd_values = (datetime(2024, 5, 1, tzinfo=UTC), Decimal("9.99"), (1, 2), ["a", None], {"net": Decimal("9.99")})
for odd in odd_values:
    expect(f"with {odd!r}", sent(event_properties={**kept, "odd": odd}), bare)
expect("user properties with a None in a list", sent(user_properties={**kept, "tags": ["a", None]}), bare)
expect("lines logged until here", told.lines, [])
expect("revenue 10", sent(revenue=10), bare)
expect("revenue 10.0", sent(revenue=10.0), {**bare, "revenue": 10.0})
expect("a number as user", sent(user_id=42), {"event_type": "order"})
expect("Revenue(price=5) is valid", Revenue(price=5, quantity=3).is_valid(), False)
expect("set twice", Identify().set("plan", "free").set("plan", "paid").user_properties, {"$set": {"plan": "free"}})
PY
