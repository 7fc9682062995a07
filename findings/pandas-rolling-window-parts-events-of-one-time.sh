#!/usr/bin/env bash
# Library: pandas 3.1.1, against polars 2.1.0 and duckdb 2.0.1
# Guess: rolling("2D") looks at times: two events of one moment have the same window, as RANGE BETWEEN in SQL and
#   rolling in polars give it, and swapping them changes nothing.
# What happens: a window ends at the row, not at its time. Of two events at the same moment the first does not see the
#   second, the second sees the first: "purchases in the last two days" depends on the order in which ties happen to be
#   stored. closed="left" leaves all of them out and is the same everywhere; "right" and "both" are not.
# Source: observed; pandas' documentation speaks of time-based windows only as of an index without ties.
# In sqlscore: what a user did in a span is counted between two times; events of one time keep the order that the mapping
#   names (`--order`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "pandas==3.1.1" "polars==2.1.0" "duckdb==2.0.1" "numpy==2.4.6"
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import datetime

import duckdb
import pandas as pd
import polars as pl

print(f"pandas {pd.__version__}, polars {pl.__version__}, duckdb {duckdb.__version__}")
times = [datetime(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 2), datetime(2026, 1, 3)]
con = duckdb.connect()
seen = {}
for name, amounts in {"as they came": [1, 2, 3, 4], "ties swapped": [2, 1, 3, 4]}.items():
    series = pd.Series(amounts, index=pd.DatetimeIndex(times))
    frame = pl.DataFrame({"t": times, "x": amounts})
    con.execute("CREATE OR REPLACE TABLE events (i INTEGER, t TIMESTAMP, x INTEGER)")
    con.executemany("INSERT INTO events VALUES (?, ?, ?)", list(zip(range(4), times, amounts, strict=True)))
    seen["pandas", name] = series.rolling("2D").sum().astype(int).tolist()
    seen["pandas, closed=left", name] = series.rolling("2D", closed="left").sum().fillna(0).astype(int).tolist()
    seen["polars", name] = frame.rolling("t", period="2d").agg(pl.col("x").sum())["x"].to_list()
    window = "ORDER BY t RANGE BETWEEN INTERVAL 47 HOUR PRECEDING AND CURRENT ROW"
    rows = con.execute(f"SELECT sum(x) OVER ({window}) FROM events ORDER BY i").fetchall()
    seen["duckdb", name] = [int(total) for (total,) in rows]
for (library, name), sums in seen.items():
    print(f"{library}, {name}: {sums}")
by_time, left = [3, 3, 6, 7], [0, 0, 3, 6]
recorded = {(library, name): by_time for library in ("polars", "duckdb") for name in ("as they came", "ties swapped")}
recorded |= {("pandas, closed=left", name): left for name in ("as they came", "ties swapped")}
recorded |= {("pandas", "as they came"): [1, 3, 6, 7], ("pandas", "ties swapped"): [2, 3, 6, 7]}
if seen != recorded:
    sys.exit("another behaviour was recorded: pandas parts events of one time by row, polars and DuckDB do not")
PY
