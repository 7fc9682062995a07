#!/usr/bin/env bash
# Library: duckdb 2.0.1, pyarrow 25.0.1, pandas 3.1.1, numpy 2.4.6, polars 2.1.0
# Guess: a cast from nanoseconds to microseconds cuts, and cuts the same way in every library that shares Arrow's
#   memory.
# What happens: three ways. pandas, NumPy and polars take the floor, pyarrow (safe=False) cuts towards 1970, DuckDB
#   rounds to the nearest. 1,999 ns are 1 us or 2 us; -1 ns is -1 us or 0. An event in the last half microsecond of
#   a day belongs to the next day in DuckDB. A join on a time that came by two ways misses rows.
# Source: observed.
# In sqlscore: one rule, floor, for nanoseconds in rows and in lists (times before 1970 too).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1 pandas==3.1.1 numpy==2.4.6 polars==2.1.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pa.__version__, "pandas", pd.__version__, end=" ")
print("numpy", np.__version__, "polars", pl.__version__)
nanoseconds = [1999, 1400, -1, -1999]
array = pa.array(nanoseconds, pa.timestamp("ns"))
table = pa.table({"t": array})
floor = [1, 1, -1, -2]
as_numpy = np.array(nanoseconds, "datetime64[ns]")
expect("numpy", as_numpy.astype("datetime64[us]").astype("int64").tolist(), floor)
expect("pandas", pd.Series(as_numpy).astype("datetime64[us]").astype("int64").tolist(), floor)
expect("polars", pl.Series(as_numpy).cast(pl.Datetime("us")).cast(pl.Int64).to_list(), floor)
expect("pyarrow", array.cast(pa.timestamp("us"), safe=False).cast("int64").to_pylist(), [1, 1, 0, -1])
con = duckdb.connect()
con.register("events", table)
rows = con.execute("SELECT epoch_us(t::TIMESTAMP) FROM events").fetchall()
expect("duckdb", [row[0] for row in rows], [2, 1, 0, -2])
last = con.execute("SELECT ('2026-11-28 23:59:59.9999996'::TIMESTAMP_NS)::TIMESTAMP::DATE::VARCHAR").fetchone()
expect("the day of 23:59:59.9999996 on 28 November in duckdb", last[0], "2026-11-29")
PY
