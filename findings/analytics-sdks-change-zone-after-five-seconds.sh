#!/usr/bin/env bash
# Library: segment-analytics-python 2.4.0, rudder-sdk-python 2.1.9, posthog 7.91.1
# Guess: a naive `timestamp` given to track() is read in one zone, local or UTC, whenever it is sent.
# What happens: a time of the last five seconds is taken as local and an older one as UTC. On a server in New York the
#   event of ten seconds ago is stored five hours before the one of now. Times ahead of the clock differ by library:
#   Segment and RudderStack take them as local, PostHog as UTC.
# Source: guess_timezone in each of the three, which tells now() from utcnow() by the distance to now; observed.
# In sqlscore: docs/sources/segment.md and posthog.md tell how to see it (times that lie whole hours from received time).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq segment-analytics-python==2.4.0 rudder-sdk-python==2.1.9 posthog==7.91.1
cd "$work"
TZ=America/New_York "$work/venv/bin/python" - <<'PY'
import sys
from datetime import datetime, timedelta
from importlib.metadata import version

import posthog.utils
import rudderstack.analytics.utils
from segment.analytics.client import Client


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


for name in ("segment-analytics-python", "rudder-sdk-python", "posthog"):
    print(name, version(name))
client = Client("key", send=False)  # nothing leaves this machine


def segment(naive):
    _, message = client.track("user", "view", timestamp=naive)
    return datetime.fromisoformat(message["timestamp"])


readers = {
    "segment": segment,
    "rudderstack": rudderstack.analytics.utils.guess_timezone,
    "posthog": posthog.utils.guess_timezone,
}
new_york = datetime.now().astimezone().utcoffset()
ages = {"now": 0, "ten seconds ago": 10, "in a minute": -60}
recorded = {
    "segment": ["local", "UTC", "local"],
    "rudderstack": ["local", "UTC", "local"],
    "posthog": ["local", "UTC", "UTC"],
}
for name, read in readers.items():
    seen = []
    for seconds in ages.values():
        naive = datetime.now() - timedelta(seconds=seconds)
        late = round((read(naive) - naive.astimezone()) / timedelta(hours=1))
        seen.append({0: "local", round(new_york / timedelta(hours=1)): "UTC"}[late])
    expect(f"{name}, an event {', '.join(ages)}", seen, recorded[name])
PY
