#!/usr/bin/env bash
# Library: duckdb 2.0.0, against 2.0.1
# Guess: INSERT ... SELECT of no rows changes nothing.
# What happens: in 2.0.0, with two threads or more, when a transaction first inserts no rows into a table and then
#   more than a row group (122,880) out of another table, the rows are stored, but scans after the commit find none
#   of them until the next checkpoint: sum(id) is NULL, while count(*), which reads no rows, says 200,000. A report
#   made in between is empty, with no error. CREATE TABLE ... AS SELECT ... LIMIT 0, then an insert of Arrow data,
#   does the same. 2.0.1 is right.
# Source: observed; fixed in 2.0.1.
# In sqlscore: requires duckdb 2.0.1 or later; empty tables are made without an insert.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for version in 2.0.0 2.0.1; do
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -qq "duckdb==$version"
    "$work/venv/bin/python" - <<'PY'
import sys

import duckdb

con = duckdb.connect("events.duckdb")
con.execute("SET threads = 2")
con.execute("CREATE TABLE source AS SELECT range AS id FROM range(200_000)")
con.execute("CREATE TABLE events (id BIGINT)")
con.execute("BEGIN")
con.execute("INSERT INTO events SELECT id FROM source LIMIT 0")
con.execute("INSERT INTO events SELECT id FROM source")
con.execute("COMMIT")
count = con.execute("SELECT count(*) FROM events").fetchone()[0]
before = con.execute("SELECT sum(id)::BIGINT FROM events").fetchone()[0]
con.execute("CHECKPOINT")
after = con.execute("SELECT sum(id)::BIGINT FROM events").fetchone()[0]
print(f"duckdb {duckdb.__version__}: count(*) {count}, sum(id) {before}, after CHECKPOINT {after}")
total = 19_999_900_000
recorded = (200_000, None if duckdb.__version__ == "2.0.0" else total, total)
if (count, before, after) != recorded:
    sys.exit(f"{recorded} was recorded for {duckdb.__version__}")
PY
    rm -rf "$work/venv" "$work"/events.duckdb*
done
