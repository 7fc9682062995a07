#!/usr/bin/env bash
# Library: duckdb 2.0.1, pandas 3.1.1, polars 2.1.0
# Guess: where two rows of the right side share the nearest time, an ASOF JOIN takes one by a rule, the same one for
#   every row, or at least the same one for a row whatever else is joined.
# What happens: with fewer than 64 rows on the left side another algorithm joins, and takes the first of them in their
#   order; from 64 rows on it is the last. A query for one user, or a test with ten rows, shows the price before the
#   correction, the nightly table the one after it. merge_asof of pandas and join_asof of polars take the last at every
#   size. PRAGMA asof_loop_join_threshold = 0 makes it the last everywhere.
# Source: observed; the setting's description names the algorithm, and the documentation of ASOF JOIN says nothing of ties.
# In sqlscore: what is joined as of a time has one row for each key and time, or raises, and `transpile` refuses others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1" "pandas==3.1.1" "polars==2.1.0" "numpy==2.4.6"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pandas as pd
import polars as pl

print(f"duckdb {duckdb.__version__}, pandas {pd.__version__}, polars {pl.__version__}")
con = duckdb.connect()
prices = {"t": [10, 10], "price": ["first", "last"]}
con.execute("CREATE TABLE prices AS SELECT * FROM (VALUES (10, 'first'), (10, 'last')) AS p (t, price)")
join = "SELECT DISTINCT price FROM sales ASOF JOIN prices ON sales.t >= prices.t"
seen = {}
for n in (1, 63, 64, 5000):
    con.execute(f"CREATE OR REPLACE TABLE sales AS SELECT 20 AS t, i AS sale FROM range({n}) AS r (i)")
    sales = {"t": [20] * n}
    seen[n] = (
        *con.execute(join).fetchone(),
        pd.merge_asof(pd.DataFrame(sales), pd.DataFrame(prices), on="t")["price"].unique().item(),
        pl.DataFrame(sales).join_asof(pl.DataFrame(prices), on="t")["price"].unique().item(),
    )
    print(f"{n} sales: duckdb, pandas and polars take the {', '.join(seen[n])}")
con.execute("CREATE OR REPLACE TABLE sales AS SELECT 20 AS t")
con.execute("SET asof_loop_join_threshold = 0")
(never,) = con.execute(join).fetchone()
print("1 sale, asof_loop_join_threshold = 0: duckdb takes the", never)
small, large = ("first", "last", "last"), ("last", "last", "last")
if (seen, never) != ({1: small, 63: small, 64: large, 5000: large}, "last"):
    sys.exit("another behaviour was recorded: the first below 64 rows and the last from 64 rows on")
PY
