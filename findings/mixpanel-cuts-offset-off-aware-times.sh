#!/usr/bin/env bash
# Library: mixpanel 5.4.1
# Guess: a datetime with a zone is sent as the moment that it is: with its offset, in UTC, or as a number.
# What happens: it is sent as its clock alone, cut to seconds. 09:30 in Kolkata, 04:00 UTC and 00:00 in New York are one
#   moment and leave as three texts; different moments leave as one. It is so in every property, and in `time` too, of
#   track() and of import_data(), where a number is expected: a backfill moves each event by the offset of its zone.
#   Milliseconds are gone, so the order within a second is too.
# Source: observed; Mixpanel's documentation of events takes dates as ISO 8601 in UTC and `time` as seconds or
#   milliseconds since 1970.
# In sqlscore: texts with an offset are read as the moments that they mean, and texts without one as UTC; an export of
#   such events is right only if the sender converted to UTC first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq mixpanel==5.4.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import mixpanel


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


class Kept:
    """A consumer that keeps what would be sent."""

    def __init__(self):
        self.properties = []

    def send(self, endpoint, message, *rest):
        self.properties.append(json.loads(message)["properties"])


print("mixpanel", version("mixpanel"))
kept = Kept()
client = mixpanel.Mixpanel("token", consumer=kept)
moment = datetime(2024, 5, 1, 4, 0, 0, 250_000, tzinfo=UTC)
zones = {"UTC": UTC, "Kolkata": timezone(timedelta(hours=5.5)), "New York": timezone(timedelta(hours=-4))}
recorded = {"UTC": "2024-05-01T04:00:00", "Kolkata": "2024-05-01T09:30:00", "New York": "2024-05-01T00:00:00"}
for place, zone in zones.items():
    local = moment.astimezone(zone)
    assert local == moment
    client.track("user", "order", {"paid_at": local, "time": local})
    expect(f"{place}, property", kept.properties[-1]["paid_at"], recorded[place])
    expect(f"{place}, time", kept.properties[-1]["time"], recorded[place])
    client.import_data("key", "user", "order", local)
    expect(f"{place}, time of an import", kept.properties[-1]["time"], recorded[place])
later = moment.astimezone(zones["New York"]) + timedelta(hours=4)
client.track("user", "order", {"paid_at": later})
expect("four hours later in New York, as in UTC above", kept.properties[-1]["paid_at"], recorded["UTC"])
PY
