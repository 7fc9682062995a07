#!/usr/bin/env bash
# Library: duckdb 2.0.1, datafusion 55.0.0, pandas 3.1.1, polars 2.1.0
# Guess: monthly dates from 31 January on are the ends of the months, or at least the same days in each library: the
#   n-th is start + n months, which all four give as 31 March for n = 2.
# What happens: range() and generate_series() in DuckDB and DataFusion and date_range(freq=DateOffset(months=1)) in
#   pandas add a month to the date before, so that February's end is kept for ever: 28 February, 28 March, 28 April.
#   polars counts from the start: 28 February, 31 March, 30 April. Labels of months that are joined by these dates meet
#   in two months of four, and a "month" from 28 to 28 is compared with one from 31 to 30.
# Source: observed; PostgreSQL's generate_series adds step by step too.
# In sqlscore: dates of a backtest and of a timetable step by a fixed length, and '1 month' as such a step is refused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1" "datafusion==55.0.0" "pandas==3.1.1" "polars==2.1.0" "numpy==2.4.6"
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import date
from importlib.metadata import version

import datafusion
import duckdb
import pandas as pd
import polars as pl

print(", ".join(f"{name} {version(name)}" for name in ("duckdb", "datafusion", "pandas", "polars")))
start, stop = date(2026, 1, 31), date(2026, 4, 30)
query = f"SELECT generate_series(DATE '{start}', DATE '{stop}', INTERVAL '1 month')"
(batch,) = datafusion.SessionContext().sql(query).collect()
month = pd.DateOffset(months=1)
series = {
    "duckdb": duckdb.execute(query).fetchone()[0],
    "datafusion": batch.column(0)[0].as_py(),
    "pandas": list(pd.date_range(start, stop, freq=month)),
    "polars": pl.date_range(start, stop, "1mo", eager=True).to_list(),
}
second = {
    "duckdb": duckdb.execute(f"SELECT DATE '{start}' + INTERVAL 2 MONTH").fetchone()[0],
    "pandas": pd.Timestamp(start) + 2 * month,
    "polars": pl.Series([start]).dt.offset_by("2mo")[0],
}
days = {name: [f"{one:%d.%m}" for one in dates] for name, dates in series.items()}
for name, dates in days.items():
    print(f"{name}: {', '.join(dates)}")
print("start + 2 months:", {name: f"{one:%d.%m}" for name, one in second.items()})
drifting = ["31.01", "28.02", "28.03", "28.04"]
recorded = dict.fromkeys(days, drifting) | {"polars": ["31.01", "28.02", "31.03", "30.04"]}
if days != recorded or {f"{one:%d.%m}" for one in second.values()} != {"31.03"}:
    sys.exit("another behaviour was recorded: only polars counts every month from the start")
PY
