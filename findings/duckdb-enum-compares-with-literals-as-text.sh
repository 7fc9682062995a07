#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: an ENUM has one order, that of its declaration, so `level > 'low'` agrees with ORDER BY level.
# What happens: ORDER BY, max() and a comparison of two ENUMs follow the declaration. A comparison with a string
#   literal or with a bound parameter turns the ENUM into text first: 'high' > 'low' is false, since h comes before
#   l. A filter loses rows without a word. `level > 'low'::level_type` is right. BETWEEN and greatest() have the
#   same two meanings.
# Source: observed. DuckDB's page on ENUM says that an ENUM is cast to VARCHAR where a function or comparison needs
#   it; PostgreSQL, whose ENUM it resembles, reads the literal as a value of the ENUM instead.
# In sqlscore: actions and categories that are ENUMs are taken as text everywhere, never ordered by declaration.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__)
con = duckdb.connect()
con.execute("CREATE TYPE level_type AS ENUM ('low', 'mid', 'high')")
con.execute("CREATE TABLE alarms AS SELECT unnest(['high', 'low', 'mid'])::level_type AS level")


def levels(query, *parameters):
    return [row[0] for row in con.execute(query, parameters).fetchall()]


expect("ORDER BY level", levels("SELECT level FROM alarms ORDER BY level"), ["low", "mid", "high"])
expect("max(level)", levels("SELECT max(level) FROM alarms"), ["high"])
above = "SELECT level FROM alarms WHERE level > {} ORDER BY level"
expect("level > 'low'::level_type", levels(above.format("'low'::level_type")), ["mid", "high"])
expect("level > 'low'", levels(above.format("'low'")), ["mid"])
expect("level > ? with 'low'", levels(above.format("?"), "low"), ["mid"])
PY
