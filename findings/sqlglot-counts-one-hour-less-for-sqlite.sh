#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its duckdb dialect to sqlite, run on duckdb 2.0.1 and Python's sqlite3
# Guess: date_diff('hour', a, b) counts hours in both, at least between full hours.
# What happens: for SQLite it becomes a difference of Julian days, which are floats, times 24, cut to a whole
#   number. From midnight to one o'clock are 0.99999 hours, cut to 0: one in three whole numbers of hours comes out
#   one too small (67 of the first 199 after midnight of 1 November 2026). And 9:59 to 10:00 is 1 in DuckDB, which
#   counts the full hours that are passed, and 0 in SQLite. Nothing raises, also with unsupported_level=RAISE.
# Source: observed.
# In sqlscore: only sqlglot's tokenizer is used.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 sqlglot==30.30.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sqlite3
import sys
from datetime import datetime, timedelta

import duckdb
import sqlglot
from sqlglot.errors import ErrorLevel


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__, "sqlite", sqlite3.sqlite_version)
query = "SELECT date_diff('hour', a, b) FROM visits ORDER BY b"
printed = sqlglot.transpile(query, read="duckdb", write="sqlite", unsupported_level=ErrorLevel.RAISE)[0]
print(printed)


def hours(start, ends):
    rows = [[str(start), str(end)] for end in ends]
    found = []
    for con, kind, text in (duckdb.connect(), "TIMESTAMP", query), (sqlite3.connect(":memory:"), "TEXT", printed):
        con.execute(f"CREATE TABLE visits (a {kind}, b {kind})")
        con.executemany("INSERT INTO visits VALUES (?, ?)", rows)
        found.append([row[0] for row in con.execute(text).fetchall()])
    return found


midnight = datetime(2026, 11, 1)
in_duckdb, in_sqlite = hours(midnight, [midnight + timedelta(hours=n) for n in range(1, 200)])
expect("duckdb", in_duckdb[:9], [1, 2, 3, 4, 5, 6, 7, 8, 9])
expect("sqlite", in_sqlite[:9], [0, 2, 3, 3, 5, 6, 6, 8, 9])
wrong = sum(one != other for one, other in zip(in_duckdb, in_sqlite, strict=True))
expect("different, of 199", wrong, 67)
passed = hours(datetime(2026, 11, 1, 9, 59), [datetime(2026, 11, 1, 10)])
expect("9:59 to 10:00", passed, [[1], [0]])
PY
