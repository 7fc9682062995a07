#!/usr/bin/env bash
# Library: pm4py 2.7.23.11 with pandas 3.1.1
# Guess: an object that takes part in an event in two roles has two relations; OCEL 2.0 has a relation for each event,
#   qualifier and object.
# What happens: read_ocel2_json keeps one relation for a pair of event and object, with the qualifier that the file
#   names last: who signed as seller and as buyer is only a buyer. Nothing is said. Its SQLite reader keeps both.
# Source: observed; OCEL 2.0 specification, definition of event-to-object relations.
# In sqlscore: such an event is one event of the user, with all its qualifiers, from every form
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
links = [{"objectId": "p1", "qualifier": role} for role in ("seller", "buyer")]
rows = [("e1", "2026-01-01T10:00:00Z", links), ("e2", "2026-01-01T11:00:00Z", links[::-1])]
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
relations = pm4py.read_ocel2_json("log.json").relations
seen = list(zip(relations["ocel:eid"], relations["ocel:qualifier"], strict=True))
expect("relations of 4", seen, [("e1", "buyer"), ("e2", "seller")])
PY
