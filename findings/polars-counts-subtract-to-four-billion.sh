#!/usr/bin/env bash
# Library: polars 2.1.0, duckdb 2.0.1, pandas 3.1.1
# Guess: a count minus another count is negative if the other is larger, as in pandas and SQL; diff() and a difference
#   with shift(1) are the same.
# What happens: pl.len(), n_unique() and rank() are UInt32, and what is subtracted is fitted to that: one event less
#   than last week is 4,294,967,295 events more, and the mean of two changes is over two billion. diff() of the
#   same column is -1 and signed, -1 * n too, and polars' own SQL has COUNT(*) - 2 = -1, so that the same question
#   asked in three ways has two answers.
# Source: observed. polars documents the type of len(), and that integers wrap.
# In sqlscore: counts are made by DuckDB, where they are BIGINT and a difference has a sign.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 pyarrow==25.0.1
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pandas as pd
import polars as pl

print("polars", pl.__version__, "duckdb", duckdb.__version__, "pandas", pd.__version__)
events = pl.DataFrame({"week": [1, 1, 2]})
weeks = events.group_by("week").agg(n=pl.len()).sort("week")
n = pl.col("n")
seen = weeks.select(
    of_two=n - 2, by_shift=n - n.shift(1), by_diff=n.diff(), negated=-1 * n, mean_change=(n - 2).mean()
).row(1, named=True)
print(seen)
ranks = pl.Series([30, 10]).rank("dense")
rank_change = (ranks - ranks.reverse()).to_list()
distinct = events.select(pl.col("week").n_unique() - pl.col("week").filter(pl.col("week") > 9).n_unique() - 3).item()
print("change of rank:", rank_change, "distinct less three:", distinct)
own_sql = events.sql("SELECT week, COUNT(*) - 2 AS d FROM self GROUP BY week ORDER BY week")["d"].to_list()
duck = duckdb.sql("SELECT count(*) - 2 FROM events GROUP BY week ORDER BY week").fetchall()
panda = (pd.DataFrame({"week": [1, 1, 2]}).groupby("week").size() - 2).tolist()
print("polars' SQL:", own_sql, "duckdb:", duck, "pandas:", panda)
wrapped = 2**32 - 1
recorded = {"of_two": wrapped, "by_shift": wrapped, "by_diff": -1, "negated": -1, "mean_change": wrapped / 2}
if seen != recorded or rank_change != [1, wrapped] or distinct != wrapped:
    sys.exit(f"{recorded}, [1, {wrapped}] and {wrapped} were recorded: polars has changed")
if (own_sql, duck, panda) != ([0, -1], [(0,), (-1,)], [0, -1]):
    sys.exit("polars' SQL, duckdb and pandas had [0, -1]: one has changed")
PY
