"""Insurance claims, each a case of one process, as a process log records them: what was done, and on which day.

The generative process, one claim at a time and independent of the others: a Markov chain over `STEPS` from "register"
to "close", with exponential waits of some hours between steps. What is planted, for tests and benchmarks to find:

- *Ties.* The log knows the day of a step, not its hour, so that about three quarters of the events share their time
  with another one of their claim. The log has them in the order in which they were done.
- *The order matters.* The next step follows from the last one, and the alphabetical order of names is another.
- *Lifecycle.* "assess" and "visit site" are there twice, as they start and as they complete.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

STEPS: dict[str, dict[str, float]] = {
    "register": {"check documents": 0.8, "ask for documents": 0.2},
    "ask for documents": {"receive documents": 1.0},
    "receive documents": {"check documents": 1.0},
    "check documents": {"assess": 0.6, "visit site": 0.25, "ask for documents": 0.15},
    "visit site": {"assess": 1.0},
    "assess": {"approve": 0.65, "reject": 0.2, "get second opinion": 0.15},
    "get second opinion": {"approve": 0.5, "reject": 0.5},
    "approve": {"pay": 1.0},
    "pay": {"close": 1.0},
    "reject": {"close": 0.8, "appeal": 0.2},
    "appeal": {"assess": 1.0},
    "close": {},
}
"""The chance of each next step."""

TWICE = ("assess", "visit site")
"""Steps of which the log has the start too."""

_START = np.datetime64("2025-01-06T00:00:00", "s")
_HOURS = 13.0  # between steps, on average
_SPAN = 300  # days in which claims come
_CLERKS = 12


@dataclass(frozen=True)
class Claims:
    """What was recorded.

    Attributes:
        events: case VARCHAR, position BIGINT (in the case, from 1), event_time TIMESTAMP (UTC, a day), event_type
            VARCHAR, lifecycle VARCHAR ("start" or "complete"), resource VARCHAR, documents BIGINT ("check documents"
            alone), amount DOUBLE ("pay" alone), in the order of the log: by case, then by position.
        cases: case VARCHAR, urgent BOOLEAN, reported TIMESTAMP (UTC).
    """

    events: pa.Table
    cases: pa.Table


def simulate_claims(cases: int = 2_000, seed: int = 0) -> Claims:
    """Simulate claims, with about 9 events each; the same arguments give the same tables.

    The first claims are the same whatever their number: a later export of the same log has more of them.

    Args:
        cases: claims, 1 or more.
        seed: of all random numbers.

    Raises ValueError for fewer claims.
    """
    if cases < 1:
        raise ValueError(f"a log needs at least 1 claim, not {cases}")
    rows: list[tuple[str, int, int, str, str, str, int | None, float | None]] = []
    heads: list[tuple[str, bool, int]] = []
    for number in range(cases):
        rng = np.random.default_rng((seed, number))
        case, clerk = f"claim {number + 1}", f"clerk {rng.integers(_CLERKS) + 1}"
        hours = float(rng.uniform(0, 24 * _SPAN))
        heads.append((case, bool(rng.random() < 0.1), int(hours) * 3600))
        step, position = "register", 0
        while step:
            for lifecycle in ("start", "complete") if step in TWICE else ("complete",):
                position += 1
                day = int(hours // 24) * 86_400
                documents = int(rng.integers(1, 9)) if step == "check documents" else None
                amount = round(float(rng.gamma(2.0, 900.0)), 2) if step == "pay" else None
                rows.append((case, position, day, step, lifecycle, clerk, documents, amount))
                hours += float(rng.exponential(_HOURS if lifecycle == "complete" else 1.0))
            following = STEPS[step]
            step = str(rng.choice(list(following), p=list(following.values()))) if following else ""
    names = ("case", "position", "event_time", "event_type", "lifecycle", "resource", "documents", "amount")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    heading = dict(zip(("case", "urgent", "reported"), zip(*heads, strict=True), strict=True))
    return Claims(
        pa.table({**columns, "event_time": _moments(columns["event_time"])}),
        pa.table({**heading, "reported": _moments(heading["reported"])}),
    )


def _moments(seconds: tuple[object, ...]) -> pa.Array:
    return pa.array((_START + np.asarray(seconds, "timedelta64[s]")).astype("datetime64[us]"))
