#!/usr/bin/env bash
# Library: polars 2.1.0, duckdb 2.0.1, pandas 3.1.1, pyarrow 25.0.1
# Guess: a sum is wider than what is summed, as in SQL, pandas and Arrow; polars widens smaller integers too.
# What happens: Int8 and Int16 are summed as Int64, Int32 is not: 40,000 orders of 1,000.00 in cents are -294,967,296.
#   INTEGER is DuckDB's type for such a column, and reaches polars as Int32. mean() of the same column is right, so that
#   sum() and mean() * len() differ. cum_sum() widens Int8 and wraps Int32 as well. Nothing raises.
# Source: documentation of polars.Expr.sum, which names the types that are widened; that the next one wraps is observed.
# In sqlscore: amounts are summed in DuckDB, which widens; nothing is summed in polars.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "polars==2.1.0" "duckdb==2.0.1" "pandas==3.1.1" "pyarrow==25.0.1" "numpy==2.4.6"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print(f"polars {pl.__version__}, duckdb {duckdb.__version__}, pandas {pd.__version__}, pyarrow {pa.__version__}")
con = duckdb.connect()
con.execute("CREATE TABLE orders AS SELECT 'u' || i % 2 AS user_id, 100000 AS cents FROM range(40000) AS r (i)")
table = con.execute("FROM orders").to_arrow_table()
frame = pl.from_arrow(table)
small = pl.Series([100] * 40_000, dtype=pl.Int16)
seen = {
    "duckdb": con.execute("SELECT sum(cents) FROM orders").fetchone()[0],
    "pandas": int(table.to_pandas()["cents"].sum()),
    "pyarrow": pc.sum(table["cents"]).as_py(),
    "polars": frame["cents"].sum(),
    "polars, mean * len": int(frame["cents"].mean() * len(frame)),
    "polars, group_by": frame.group_by(pl.lit(1)).agg(pl.col("cents").sum())["cents"].item(),
    "polars, cum_sum": frame["cents"].cum_sum()[-1],
    "polars, hundredth as Int16": small.sum(),
}
print("the column in polars is", frame["cents"].dtype)
for library, total in seen.items():
    print(f"{library}: {total:,}")
right, wrapped = 4_000_000_000, 4_000_000_000 - 2**32
recorded = dict.fromkeys(seen, right) | dict.fromkeys(("polars", "polars, group_by", "polars, cum_sum"), wrapped)
if seen != recorded | {"polars, hundredth as Int16": 4_000_000}:
    sys.exit("another behaviour was recorded: sum and cum_sum of Int32 wrap, sum of Int16 does not")
PY
