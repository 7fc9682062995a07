#!/usr/bin/env bash
# Library: sqlglot 30.30.0, with duckdb 2.0.1
# Guess: duckdb to duckdb prints the same query; where the unit of date_trunc is a column, it stays one.
# What happens: an unqualified column that is the first argument of date_trunc or date_diff becomes the text of its own
#   name: date_trunc(period, ts) is printed as DATE_TRUNC('PERIOD', ts), which DuckDB then rejects; with a column that is
#   called day, month or the like the query runs and gives other rows. A qualified column, p.period, stays.
# Source: observed.
# In sqlscore: parameters of macros stand there; sqlscore/dialects/shipped.py puts their values in after parsing, and a
#   unit that is not known is refused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 sqlglot==30.30.0
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import sqlglot

print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__)
query = "SELECT date_trunc(month, ts) AS cut FROM (SELECT 'year' AS month, TIMESTAMP '2024-05-06' AS ts) AS t"
again = sqlglot.transpile(query, read="duckdb", write="duckdb")[0]
before, after = (str(duckdb.sql(text).fetchall()[0][0].date()) for text in (query, again))
print(again)
print("before:", before, "after:", after)
kept = sqlglot.transpile("SELECT date_trunc(t.month, t.ts) FROM t", read="duckdb", write="duckdb")[0]
print("qualified:", kept)
if (before, after) != ("2024-01-01", "2024-05-01") or "DATE_TRUNC(t.month" not in kept:
    sys.exit("expected 2024-01-01, then 2024-05-01, and a qualified column that stays: sqlglot has changed")
PY
