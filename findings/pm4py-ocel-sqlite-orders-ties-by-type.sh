#!/usr/bin/env bash
# Library: pm4py 2.7.23.11 with pandas 3.1.1
# Guess: events that share a time come in the order of the file, as pm4py's own JSON reader gives them.
# What happens: read_ocel2_sqlite reads the table of each type, in the alphabetical order of the types, and then sorts
#   by time: in a log whose times are whole seconds or days, "accept" stands before the "request" that it answers. The
#   rows of the table `event` are in the order of the log, and are not asked. One log has two sequences, by its form.
# Source: observed, and importer/sqlite/variants/ocel20.py (the types are sorted).
# In sqlscore: events of one time keep the order of the table `event` (tests/mapping/process_logs/test_ocel.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pm4py==2.7.23.11 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import sqlite3
import sys
from contextlib import closing
from importlib.metadata import version

import pm4py


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("pm4py", version("pm4py"), "pandas", version("pandas"))
types = ["request", "check", "accept"]  # one object, one time, in this order
moment = "2026-01-01"
with closing(sqlite3.connect("log.sqlite")) as con:
    con.executescript("""
        CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
            PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier));
        CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT,
            PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier));
        CREATE TABLE object_Order (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT);
        INSERT INTO object_map_type VALUES ('order', 'Order');
        INSERT INTO object VALUES ('o1', 'order');
        INSERT INTO object_Order VALUES ('o1', '1970-01-01 00:00:00', NULL);
    """)
    for place, kind in enumerate(types, start=1):
        con.execute(f"CREATE TABLE event_{kind} (ocel_id TEXT PRIMARY KEY, ocel_time TIMESTAMP)")
        con.execute("INSERT INTO event_map_type VALUES (?, ?)", [kind, kind])
        con.execute("INSERT INTO event VALUES (?, ?)", [f"e{place}", kind])
        con.execute("INSERT INTO event_object VALUES (?, 'o1', 'of')", [f"e{place}"])
        con.execute(f"INSERT INTO event_{kind} VALUES (?, ?)", [f"e{place}", f"{moment} 00:00:00"])
    con.commit()
link = {"objectId": "o1", "qualifier": "of"}
log = {
    "eventTypes": [{"name": kind, "attributes": []} for kind in types],
    "objectTypes": [{"name": "order", "attributes": []}],
    "objects": [{"id": "o1", "type": "order", "attributes": [], "relationships": []}],
    "events": [
        {"id": f"e{n}", "type": kind, "time": f"{moment}T00:00:00Z", "attributes": [], "relationships": [link]}
        for n, kind in enumerate(types, start=1)
    ],
}
with open("log.json", "w") as file:
    json.dump(log, file)
expect("from JSON", list(pm4py.read_ocel2_json("log.json").events["ocel:activity"]), types)
expect("from SQLite", list(pm4py.read_ocel2_sqlite("log.sqlite").events["ocel:activity"]), sorted(types))
PY
