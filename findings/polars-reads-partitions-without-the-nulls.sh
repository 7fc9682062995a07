#!/usr/bin/env bash
# Library: polars 2.1.0 (read_database_uri) with connectorx 0.4.6, pyarrow 25.0.1
# Guess: reading a query in four parts, partition_on="user_id", partition_num=4, gives the rows of the query, faster.
# What happens: rows whose user_id is NULL are in no part, and are not read. Of 140 events, 40 of them of visitors who
#   had not logged in, 100 arrive; every count, share and conversion rate is one of known users. Nothing is said, and one
#   "part" loses them too. Without partition_on, and with parts that the caller writes out, all 140 are there.
# Source: observed; the documentation of polars says "the column on which to partition the result". The readme of
#   connectorx, which polars calls, has "cannot contain NULL" in brackets; apache/spark#11063 mended the same for Spark.
# In sqlscore: tables are read by one query of DuckDB; events without a user are counted and reported when mapped.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq polars==2.1.0 connectorx==0.4.6 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sqlite3
import sys
from importlib.metadata import version

import polars as pl


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("polars", pl.__version__, "connectorx", version("connectorx"))
con = sqlite3.connect("events.db")
con.execute("CREATE TABLE events (user_id INTEGER, action TEXT)")
con.executemany("INSERT INTO events VALUES (?, 'view')", [(i,) for i in range(100)] + [(None,)] * 40)
con.commit()
con.close()
query, uri = "SELECT user_id, action FROM events", "sqlite://events.db"
expect("all at once", pl.read_database_uri(query, uri).height, 140)
for parts, rows in ((1, 100), (4, 100)):
    events = pl.read_database_uri(query, uri, partition_on="user_id", partition_num=parts)
    expect(f"partition_num={parts}", events.height, rows)
expect("events without a user among them", events["user_id"].null_count(), 0)
by_hand = [f"{query} WHERE user_id < 50", f"{query} WHERE user_id >= 50", f"{query} WHERE user_id IS NULL"]
expect("parts written out", pl.read_database_uri(by_hand, uri).height, 140)
PY
