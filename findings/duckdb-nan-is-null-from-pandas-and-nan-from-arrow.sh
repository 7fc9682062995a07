#!/usr/bin/env bash
# Library: duckdb 2.0.1, pandas 3.1.1, polars 2.1.0, pyarrow 25.0.1, numpy 2.4.6
# Guess: the same column of floats with a NaN gives the same average in DuckDB, whichever library holds it.
# What happens: out of a pandas DataFrame NaN becomes NULL, out of polars or Arrow it stays NaN. So avg() skips it
#   or is NaN, count(x) is 2 or 3, and max() is 3.0 or NaN, since DuckDB holds NaN for the greatest number. polars
#   itself sorts NaN as the greatest, too, and its max() leaves it out: the maximum is not the last one of the
#   sorted column.
# Source: observed; polars documents max() and sort() apart.
# In sqlscore: NaN as a user id is refused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==25.0.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pandas", pd.__version__, "polars", pl.__version__, "pyarrow", pa.__version__)
prices = {"x": [1.0, float("nan"), 3.0]}
held = {"pandas": pd.DataFrame(prices), "polars": pl.DataFrame(prices), "pyarrow": pa.table(prices)}
con = duckdb.connect()
found = {}
for library, frame in held.items():
    con.register("frame", frame)
    found[library] = con.execute("SELECT avg(x)::VARCHAR, count(x), max(x)::VARCHAR FROM frame").fetchall()[0]
    con.unregister("frame")
expect("pandas: avg, count, max", found["pandas"], ("2.0", 2, "3.0"))
expect("polars: avg, count, max", found["polars"], ("nan", 3, "nan"))
expect("pyarrow: avg, count, max", found["pyarrow"], ("nan", 3, "nan"))
column = held["polars"]["x"]
expect("polars: max, last of the sorted", (column.max(), str(column.sort()[-1])), (3.0, "nan"))
PY
