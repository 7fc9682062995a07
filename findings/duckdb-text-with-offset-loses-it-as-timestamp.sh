#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: text with an offset, '2024-01-01 00:00:00+02:00', cast to TIMESTAMP is that moment in UTC, or an error.
# What happens: the offset is dropped in silence, by a cast and by read_csv with the column's type: the moment is two hours
#   off, and TRY_CAST finds nothing wrong. By way of TIMESTAMPTZ the result depends on the session's time zone.
# Source: observed.
# In sqlscore: times that exports write as text are cast to TIMESTAMPTZ and read in UTC where they have an offset, and to
#   TIMESTAMP where they have none (sqlscore/mapping/presets/sources.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pytz
cd "$work"
printf 't\n2024-01-01 00:00:00+02:00\n' >times.csv
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


con = duckdb.connect()
print("duckdb", duckdb.__version__)


def value(sql):
    return str(con.execute(sql).fetchone()[0])


text = "'2024-01-01 00:00:00+02:00'"
expect("TRY_CAST to TIMESTAMP", value(f"SELECT TRY_CAST({text} AS TIMESTAMP)"), "2024-01-01 00:00:00")
expect("read_csv as TIMESTAMP", value("SELECT t FROM read_csv('times.csv', types = {t: 'TIMESTAMP'})"), "2024-01-01 00:00:00")
for zone, seen in (("UTC", "2023-12-31 22:00:00"), ("Asia/Tokyo", "2024-01-01 07:00:00")):
    con.execute(f"SET TimeZone = '{zone}'")
    expect(f"by way of TIMESTAMPTZ in {zone}", value(f"SELECT {text}::TIMESTAMPTZ::TIMESTAMP"), seen)
PY
