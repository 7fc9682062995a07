"""Exports whose truth is known, by the name of their preset, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from sqlscore.simulation.exports.adobe import write_adobe
from sqlscore.simulation.exports.amplitude import write_amplitude
from sqlscore.simulation.exports.ga4 import write_ga4
from sqlscore.simulation.exports.matomo import write_matomo
from sqlscore.simulation.exports.mixpanel import write_mixpanel
from sqlscore.simulation.exports.posthog import write_posthog
from sqlscore.simulation.exports.segment import write_rudderstack, write_segment
from sqlscore.simulation.exports.snowplow import write_snowplow
from sqlscore.simulation.exports.visits import Made

MADE: dict[str, Callable[..., Made]] = {
    "adobe": write_adobe,
    "amplitude": write_amplitude,
    "ga4": write_ga4,
    "matomo": write_matomo,
    "mixpanel": write_mixpanel,
    "posthog": write_posthog,
    "rudderstack": write_rudderstack,
    "segment": write_segment,
    "snowplow": write_snowplow,
}
"""Writes an export; the arguments are the folder, users, seed, and the share that has arrived."""


def read_events(con: duckdb.DuckDBPyConnection, order: tuple[str, ...]) -> dict[str, list[tuple[int, str]]]:
    """The events of each user as (µs, action) in the order in which models read them."""
    sorting = ", ".join(["user_id", "event_time", *order, "event_type"])
    found: dict[str, list[tuple[int, str]]] = {}
    rows: list[Any] = con.execute(
        f"SELECT user_id, epoch_us(event_time), event_type FROM sqlscore.events ORDER BY {sorting}"
    ).fetchall()
    for user, time, action in rows:
        found.setdefault(user, []).append((time, action))
    return found
