#!/usr/bin/env bash
# Library: duckdb 2.0.1 with pyarrow 25.0.1
# Guess: TIMETZ is normalised to UTC, or keeps its offset, on the way to Arrow: different times stay different.
# What happens: Arrow has no time with an offset, and DuckDB hands over the local clock time as plain time64:
#   10:00+02 and 10:00+00, two hours apart, become one value, with no error and no warning. count(DISTINCT) falls
#   from 2 to 1. And 10:00+02 is not equal to 08:00+00 in DuckDB itself, though they are one moment of the day.
# Source: observed. (PostgreSQL compares TIMETZ in the same way: the offset breaks the tie.)
# In sqlscore: published tables carry TIMETZ as text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pyarrow


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__)
con = duckdb.connect()
con.execute("CREATE TABLE shifts AS SELECT unnest(['10:00:00+02', '10:00:00+00']::TIMETZ[]) AS starts")
expect("different in DuckDB", con.sql("SELECT count(DISTINCT starts) FROM shifts").fetchall()[0][0], 2)
arrow = con.sql("FROM shifts").to_arrow_table()
expect("type in Arrow", str(arrow.schema.field("starts").type), "time64[us]")
expect("different in Arrow", len(arrow["starts"].unique()), 1)
expect("back in DuckDB", con.sql("SELECT count(DISTINCT starts) FROM arrow").fetchall()[0][0], 1)
equal = con.sql("SELECT '10:00:00+02'::TIMETZ = '08:00:00+00'::TIMETZ").fetchall()[0][0]
expect("10:00+02 = 08:00+00", equal, False)
PY
