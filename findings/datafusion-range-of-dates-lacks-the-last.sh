#!/usr/bin/env bash
# Library: datafusion 55.0.0, against duckdb 2.0.1
# Guess: range(start, stop, step) has every start + n * step before stop, for dates as for numbers and timestamps.
# What happens: for dates the last of them is missing wherever stop is not on a step: the weeks from 1 to 31 January
#   are 1, 8, 15 and 22, without the 29th, and range(DATE '2026-01-01', DATE '2026-01-31', INTERVAL '1 month') is empty.
#   With TIMESTAMP, with whole numbers and in DuckDB the 29th is there. A backtest over such a list leaves out its newest
#   date, and nothing looks amiss where stop happens to be on a step.
# Source: observed; the documentation of range says that the stop is excluded.
# In sqlscore: dates of a backtest are counted in Python, up to the newest whose outcome is known.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "datafusion==55.0.0" "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import datafusion
import duckdb

print(f"datafusion {version('datafusion')}, duckdb {duckdb.__version__}")
context = datafusion.SessionContext()
seen = {}
for call in (
    "range(DATE '2026-01-01', DATE '2026-01-31', INTERVAL '7 days')",
    "range(DATE '2026-01-01', DATE '2026-01-29', INTERVAL '7 days')",
    "range(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-31', INTERVAL '7 days')",
    "range(DATE '2026-01-01', DATE '2026-01-31', INTERVAL '1 month')",
    "range(1, 31, 7)",
):
    (batch,) = context.sql(f"SELECT {call}").collect()
    steps, of_duckdb = batch.column(0)[0].as_py(), duckdb.execute(f"SELECT {call}").fetchone()[0]
    last = str(steps[-1])[:10] if steps else "none"
    print(f"{call}: datafusion {len(steps)}, the last is {last}; duckdb {len(of_duckdb)}, {str(of_duckdb[-1])[:10]}")
    seen[call] = (len(steps), len(of_duckdb))
if list(seen.values()) != [(4, 5), (4, 4), (5, 5), (0, 1), (5, 5)]:
    sys.exit("another behaviour was recorded: a range of dates lacks its last one, unless stop is on a step")
PY
