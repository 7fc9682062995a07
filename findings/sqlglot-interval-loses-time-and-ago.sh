#!/usr/bin/env bash
# Library: sqlglot 30.30.0, run on duckdb 2.0.1
# Guess: transpile(sql, read="duckdb", write="duckdb") keeps a span of time that is written as one text, or raises.
# What happens: if exactly one number of the text stands before a word, the text is replaced by these two. '1 day
#   12:00:00', which is how DuckDB and PostgreSQL print such a span, becomes '1' DAY, and '90 days ago' becomes '90'
#   DAYS: ts + INTERVAL '90 days ago' then looks forwards. With a second unit ('1 month 2 days 03:00:00') all is kept,
#   and CAST('1 day 12:00:00' AS INTERVAL) is kept too. Nothing raises, also with unsupported_level=RAISE.
# Source: observed. tobymao/sqlglot#5168 was about fractions in the same place, and is mended.
# In sqlscore: `lint` and `transpile` read such a text as the CAST (sqlscore/dialects/reading.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "sqlglot==30.30.0" "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import duckdb
import sqlglot
from sqlglot import ErrorLevel

print("sqlglot", version("sqlglot"), "duckdb", duckdb.__version__)
seen = {}
for span in (
    "INTERVAL '1 day 12:00:00'", "INTERVAL '90 days ago'", "INTERVAL '1 month 2 days 03:00:00'",
    "CAST('1 day 12:00:00' AS INTERVAL)",
):
    query = f"SELECT TIMESTAMP '2026-03-01' + {span}"
    (printed,) = sqlglot.transpile(query, read="duckdb", write="duckdb", unsupported_level=ErrorLevel.RAISE)
    before, after = (str(duckdb.execute(text).fetchone()[0]) for text in (query, printed))
    print(f"{span}: {before}; printed anew, {printed.split(' + ')[1]}: {after}")
    seen[span] = (before, after)
moved = [span for span, (before, after) in seen.items() if before != after]
if moved != ["INTERVAL '1 day 12:00:00'", "INTERVAL '90 days ago'"]:
    sys.exit("another behaviour was recorded: the time of day and the word ago are lost, the other two are kept")
if seen["INTERVAL '90 days ago'"] != ("2025-12-01 00:00:00", "2026-05-30 00:00:00"):
    sys.exit("another behaviour was recorded: 90 days ago becomes 90 days ahead")
PY
