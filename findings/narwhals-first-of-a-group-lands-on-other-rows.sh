#!/usr/bin/env bash
# Library: narwhals 2.29.0, pyarrow 25.0.1, polars 2.1.0, pandas 3.1.1, duckdb 2.0.1
# Guess: one narwhals expression has one value in each row, whatever library holds the table; where it cannot, it raises.
# What happens: first() and last() .over("user", order_by="t") on a pyarrow table are right only where the rows happen
#   to lie in the order of t. Otherwise users get the first event of other users: the values stay in the order of t
#   and are put beside rows in their own. polars, pandas and DuckDB agree with a loop over the rows. cum_sum and shift
#   raise on pyarrow; first() and last() do not.
# Source: observed; narwhals documents `order_by` as the column by which the window is ordered.
# In sqlscore: narwhals only comes with libraries for charts; first and last events are taken in DuckDB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq narwhals==2.29.0 pyarrow==25.0.1 polars==2.1.0 pandas==3.1.1 duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import random
import sys

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("narwhals", nw.__version__, "pyarrow", pa.__version__, "polars", pl.__version__, "pandas", pd.__version__)
random.seed(0)
recorded = {"first": 280, "last": 280}
times = random.sample(range(1000), 300)
events = {"user": [random.randrange(20) for _ in times], "t": times, "page": list(range(300))}
rows = list(zip(events["user"], events["t"], events["page"], strict=True))
con = duckdb.connect()
arrow = pa.table(events)
frames = {
    "pyarrow": arrow,
    "polars": pl.DataFrame(events),
    "pandas": pd.DataFrame(events),
    "duckdb": con.table("arrow"),
}
for name, take in (("first", min), ("last", max)):
    by_hand = [take((t, page) for user, t, page in rows if user == mine)[1] for mine, _, _ in rows]
    for library, frame in frames.items():
        value = getattr(nw.col("page"), name)().over("user", order_by="t")
        seen = nw.from_native(frame).select("page", value=value).lazy().collect().sort("page")["value"].to_list()
        wrong = sum(one != other for one, other in zip(seen, by_hand, strict=True))
        expect(f"{name} page in {library}: wrong rows of 300", wrong, recorded[name] if library == "pyarrow" else 0)
PY
