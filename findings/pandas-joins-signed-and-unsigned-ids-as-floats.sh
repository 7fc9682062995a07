#!/usr/bin/env bash
# Library: pandas 3.1.1, numpy 2.4.6, duckdb 2.0.1, polars 2.1.0
# Guess: ids that are whole numbers are joined as whole numbers, be one table's column int64 and the other's uint64, as
#   in DuckDB; what does not fit raises.
# What happens: merge on two keys takes both for float64, where 256 neighbouring ids of 19 digits are one number: 1,000
#   ids with 100 of them give 22,404 rows for 100, without a warning; on one key it gives 100. concat has 5 ids left
#   of 1,000, numpy's union1d too, and its intersect1d finds 1,095 common ids of 100. isin is right, and so is concat of polars.
#   Unsigned ids are what hash() in DuckDB gives and what a database has as UBIGINT.
# Source: observed; pandas documents merge as a join of equal keys.
# In sqlscore: ids are joined in DuckDB, and none leaves it as a float.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pandas==3.1.1 numpy==2.4.6 duckdb==2.0.1 polars==2.1.0 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" -W error - <<'PY'
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("pandas", pd.__version__, "numpy", np.__version__, "duckdb", duckdb.__version__, "polars", pl.__version__)
ids = np.arange(1_790_000_000_000_000_000, 1_790_000_000_000_001_000)
visits = pd.DataFrame({"user": ids.astype(np.uint64), "day": 1})
orders = pd.DataFrame({"user": ids[::10].astype(np.int64), "day": 1, "price": 1.0})
common = len(set(visits["user"].tolist()) & set(orders["user"].tolist()))
expect("ids in both tables, by Python", common, 100)
joined = duckdb.sql("SELECT count(*) FROM visits JOIN orders USING (user, day)").fetchall()[0][0]
expect("rows of the join in DuckDB", joined, 100)
expect("rows of the merge on user and day", len(pd.merge(visits, orders, on=["user", "day"])), 22_404)
expect("rows of the merge on user", len(pd.merge(visits, orders, on="user")), 100)
same = visits.astype({"user": np.int64})
expect("rows of the merge on user and day, both signed", len(pd.merge(same, orders, on=["user", "day"])), 100)
both = pd.concat([visits["user"], orders["user"]])
expect("type and ids of concat", (str(both.dtype), both.nunique()), ("float64", 5))
signed, unsigned = orders["user"].to_numpy(), visits["user"].to_numpy()
expect("ids of union1d", np.union1d(signed, unsigned).size, 5)
expect("ids of intersect1d", np.intersect1d(signed, unsigned).size, 1095)
expect("ids by isin", int(np.isin(unsigned, signed).sum()), 100)
stacked = pl.concat([pl.from_pandas(visits[["user"]]), pl.from_pandas(orders[["user"]])], how="vertical_relaxed")
expect("type and ids of concat in polars", (str(stacked["user"].dtype), stacked["user"].n_unique()), ("Int128", 1000))
PY
