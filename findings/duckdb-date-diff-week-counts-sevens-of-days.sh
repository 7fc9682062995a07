#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: date_diff counts the boundaries of its unit that lie between two moments, as its documentation says and as it
#   does for month, quarter, day and hour; so date_diff('week', ...) counts the Mondays, where date_trunc('week', ...)
#   cuts.
# What happens: it counts the days and divides by 7. From a Sunday to the next day it gives 0, though date_trunc puts
#   the two into different weeks; of random pairs of moments two in five differ from the difference of their weeks.
# Source: observed; the documentation of date_diff says "the number of part boundaries".
# In sqlscore: weeks are counted from a moment that date_trunc cut (lifecycle, cohort_retention), where both agree. For
#   Spark it is written as days DIV 7 (sqlscore/dialects/spark/times.py), and a test compares rows on both engines.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb

print("duckdb", duckdb.__version__)
pairs = "(VALUES (TIMESTAMP '2024-01-07 23:00', TIMESTAMP '2024-01-08 01:00')) t (a, b)"  # a Sunday, then Monday
(sunday,) = duckdb.sql(
    f"""SELECT date_diff('week', a, b), date_diff('day', date_trunc('week', a), date_trunc('week', b)) // 7,
           date_diff('day', a, b) FROM {pairs}"""
).fetchall()
print("weeks by date_diff, by date_trunc; days:", *sunday)
moments = "TIMESTAMP '2024-01-01' + to_hours((hash({}) % 5000)::BIGINT)"
(random,) = duckdb.sql(
    f"""SELECT count(*) FILTER (date_diff('week', a, b) <> date_diff('day', a, b) // 7),
           count(*) FILTER (date_diff('week', a, b) <> date_diff('day', date_trunc('week', a), date_trunc('week', b)) // 7),
           count(*) FILTER (date_diff('month', a, b)
               <> 12 * (year(b) - year(a)) + month(b) - month(a))
       FROM (SELECT {moments.format("i")} AS a, {moments.format("-i - 1")} AS b FROM range(20000) t(i))"""
).fetchall()
print("of 20,000 pairs: not days // 7, not weeks of date_trunc, months not of the calendar:", *random)
if sunday != (0, 1, 1) or random[0] != 0 or random[1] < 5000 or random[2] != 0:
    sys.exit("expected 0 1 1, then 0, some 8,000 and 0: the engine has changed")
PY
