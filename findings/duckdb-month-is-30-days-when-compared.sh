#!/usr/bin/env bash
# Library: duckdb 2.0.1 with pandas 3.0 or later (3.1.1 here)
# Guess: comparing, adding and exporting an INTERVAL of a month agree with each other: a month is a calendar month.
# What happens: a month is 30 days where intervals are compared, grouped or joined, and where they go to pandas; it
#   is a calendar month where it is added. So INTERVAL 1 MONTH = INTERVAL 30 DAY is true, and added to 1 February
#   they give 1 and 3 March. count(DISTINCT) counts one. A year is 360 days, so 365 days are more than a year. A
#   horizon that is kept in a column and compared by value is not the horizon that is added.
# Source: observed (PostgreSQL compares alike). DuckDB's page on INTERVAL describes months, days and microseconds
#   apart.
# In sqlscore: `horizon` and `lookback` of its SQL are added to times, so a month there is a calendar month;
#   `within` is compared in microseconds, so a month there is 30 days.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pandas


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pandas", pandas.__version__)
equal = duckdb.sql("""SELECT INTERVAL 1 MONTH = INTERVAL 30 DAY, INTERVAL 1 YEAR = INTERVAL 360 DAY,
    INTERVAL 365 DAY > INTERVAL 1 YEAR""").fetchall()
expect("month = 30 days, year = 360 days, 365 days > year", equal, [(True, True, True)])
kept = duckdb.sql("SELECT count(DISTINCT i) FROM (VALUES (INTERVAL 1 MONTH), (INTERVAL 30 DAY)) t(i)").fetchall()
expect("different values", kept, [(1,)])
added = duckdb.sql("""SELECT (DATE '2026-02-01' + INTERVAL 1 MONTH)::VARCHAR,
    (DATE '2026-02-01' + INTERVAL 30 DAY)::VARCHAR""").fetchall()
expect("added to 1 February", added, [("2026-03-01 00:00:00", "2026-03-03 00:00:00")])
expect("in pandas", str(duckdb.sql("SELECT INTERVAL 1 MONTH AS i").df()["i"][0]), "30 days 00:00:00")
PY
