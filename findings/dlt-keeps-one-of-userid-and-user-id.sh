#!/usr/bin/env bash
# Library: dlt 1.31.0 with duckdb 2.0.1
# Guess: two fields of an event that become one column name are an error (dlt has one for names that collide), or get two
#   columns; at least no value is lost without a word.
# What happens: userId and user_id, which stand side by side where Segment's fields meet a shop's own, both become user_id,
#   and the one that comes last within each event wins: one column has ids of two systems, by the order in which
#   somebody wrote the keys. plan and Plan are one, too. The load succeeds, and the schema has no trace of the other field.
# Source: observed; documentation of dlt, "naming convention", says that names become snake case, and that a *change* of the
#   convention may raise on a collision.
# In sqlscore: a table is mapped by the names that it has; fields that were lost before are out of its sight.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "dlt[duckdb]==1.31.0" duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("dlt", dlt.__version__, "duckdb", duckdb.__version__)
events = [
    {"id": 1, "userId": "segment-1", "user_id": "shop-1", "plan": "gold", "Plan": "free"},
    {"id": 2, "user_id": "shop-2", "userId": "segment-2", "Plan": "free", "plan": "gold"},
    {"id": 3, "user_id": "shop-3", "plan": "gold"},
]
pipeline = dlt.pipeline("events", destination=dlt.destinations.duckdb("events.duckdb"), dataset_name="raw", pipelines_dir=".")
pipeline.run(events, table_name="events").raise_on_failed_jobs()
con = duckdb.connect("events.duckdb", read_only=True)
columns = [name for (name,) in con.sql("SELECT column_name FROM (DESCRIBE raw.events)").fetchall() if not name.startswith("_dlt")]
expect("columns", columns, ["id", "user_id", "plan"])
rows = con.sql("SELECT user_id, plan FROM raw.events ORDER BY id").fetchall()
expect("users and plans", rows, [("shop-1", "free"), ("segment-2", "gold"), ("shop-3", "gold")])
PY
