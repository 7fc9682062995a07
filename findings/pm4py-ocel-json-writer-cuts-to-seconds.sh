#!/usr/bin/env bash
# Library: pm4py 2.7.23.11 with pandas 3.1.1
# Guess: a log that is read from OCEL JSON and written to it again has the same times.
# What happens: the reader keeps microseconds, the writer cuts to seconds: events of one second then share a time, and
#   no time of day says which came first. Nothing is said.
# Source: observed, and exporter/util/clean_dataframes.py (a strftime without %f).
# In sqlscore: times are read to the microsecond, and events that share one keep the order of the log
#   (tests/mapping/process_logs/test_ocel.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pm4py==2.7.23.11 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import sys
from importlib.metadata import version

import pm4py


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("pm4py", version("pm4py"), "pandas", version("pandas"))
link = [{"objectId": "p1", "qualifier": "by"}]
rows = [("e1", "2026-01-01T10:00:00.000001Z", link), ("e2", "2026-01-01T10:00:00.999999Z", link)]
log = {
    "eventTypes": [{"name": "sign", "attributes": []}],
    "objectTypes": [{"name": "person", "attributes": []}],
    "objects": [{"id": "p1", "type": "person", "attributes": [], "relationships": []}],
    "events": [
        {"id": name, "type": "sign", "time": time, "attributes": [], "relationships": links} for name, time, links in rows
    ],
}
with open("log.json", "w") as file:
    json.dump(log, file)
read = pm4py.read_ocel2_json("log.json")
expect("microseconds as read", [time.microsecond for time in read.events["ocel:timestamp"]], [1, 999_999])
pm4py.write_ocel2_json(read, "again.json")
with open("again.json") as file:
    written = [event["time"] for event in json.load(file)["events"]]
expect("as written", written, ["2026-01-01T10:00:00Z"] * 2)
PY
